import { embedded } from './embedded.ts';
import { postgres } from './postgres.ts';
import { supabase } from './supabase.ts';
import type { Target } from './target.ts';

// Help and the parser of flags load this file: it, and the targets, import what they need only where they use it.

/** Every target by its name, as `muse.json` and `--target` have it. A new one is added here. */
export const targets = { embedded, postgres, supabase } satisfies Record<string, Target>;

export type TargetKind = keyof typeof targets;

/** The names of all targets, in the order in which they are listed. */
export const targetKinds = Object.keys(targets) as readonly TargetKind[];

/** The target where none is named. */
export const defaultTarget: TargetKind = 'embedded';
