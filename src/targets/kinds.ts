/**
 * The names of all targets, in the order in which they are listed. In a separate file, so that help does not load the
 * targets; `targets.ts` has one for each.
 */
export const targetKinds = ['embedded', 'postgres', 'supabase'] as const;

/** Where a muse's database is, as in `muse.json` and `--target`. */
export type TargetKind = (typeof targetKinds)[number];

/** The target where none is named. */
export const defaultTarget: TargetKind = 'embedded';
