// Written by scripts/lists.js from the files of this folder: do not edit.

/** The name of every target, as in `muse.json` and `--target`. Loads no target: for help and questions. */
export const targetKinds = [
  'embedded',
  'postgres',
  'supabase',
] as const;

export type TargetKind = (typeof targetKinds)[number];
