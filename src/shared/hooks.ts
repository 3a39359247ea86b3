/** Something that a run has finished and that stays, whatever happens next. */
export interface Done {
  /** The key of `--json` that lists it. */
  list: 'steps' | 'applied' | 'rolledBack' | 'seeds' | 'changes' | 'backups' | 'dropped';
  /** For people, e.g. `applied 001_notes.sql`. */
  text: string;
  /** What the list holds of it. */
  entry: unknown;
}

/** How the caller of a run stops it and follows it; each is optional. */
export interface Hooks {
  /** Ends the run when it aborts. */
  signal?: AbortSignal | undefined;
  /** Called with what the run waits for, and why. */
  onNote?: ((text: string) => void) | undefined;
  /** Called for each thing that is done and stays done. */
  onDone?: ((done: Done) => void) | undefined;
}

/** Files as {@link Done}, for a run that reports each file when it is done. */
export function fileDone(
  list: 'applied' | 'rolledBack' | 'seeds',
  entry: { layer?: string; file: string; ms?: number },
): Done {
  const verbs = { applied: 'applied', rolledBack: 'rolled back', seeds: 'seeded' };
  return { list, text: `${verbs[list]} ${entry.file}`, entry };
}
