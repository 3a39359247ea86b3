// Written by scripts/lists.js from the files of this folder: do not edit.
import { target as embedded } from './embedded.ts';
import { target as postgres } from './postgres.ts';
import { target as supabase } from './supabase.ts';
import type { TargetKind } from './kinds.ts';
import type { Target } from './target.ts';

/** Every target by its name. */
export const targets: Readonly<Record<TargetKind, Target>> = {
  'embedded': embedded,
  'postgres': postgres,
  'supabase': supabase,
};
