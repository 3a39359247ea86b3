import type { Kinds } from './kind.ts';
import { migrateKind } from './migrate.ts';
import { verifyKind } from './verify.ts';

/** The kinds of runs that need nothing but the muses. */
export const kinds: Kinds = { migrate: migrateKind, verify: verifyKind };
