import { embedded } from './embedded.ts';
import type { TargetKind } from './kinds.ts';
import { postgres } from './postgres.ts';
import { supabase } from './supabase.ts';
import type { Target } from './target.ts';

/** Every target by its name. */
export const targets: Readonly<Record<TargetKind, Target>> = { embedded, postgres, supabase };
