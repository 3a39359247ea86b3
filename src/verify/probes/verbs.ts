/** What the proof tries. Each is one statement, taken back at once. */
export type Verb =
  /** Reads the rows of A and B. */
  | 'select'
  /** Adds a row of its own; the same and reads it back, as clients do; in the name of another; as another inside its own organization; with links to another's rows. */
  | 'insert' | 'insert-returning' | 'insert-forged' | 'insert-as' | 'insert-cross'
  /** Changes A's row; whatever it can reach, without WHERE. */
  | 'update' | 'update-all'
  | 'delete' | 'delete-all'
  /** Hands A's row to B's side; the same without WHERE. */
  | 'give' | 'give-all'
  /** Takes A's row over; the same without WHERE. */
  | 'take' | 'take-all'
  /** Links A's row to rows of B's side, keeping its owner; the same without WHERE. */
  | 'relink' | 'relink-all'
  /** Adds a row with the key of A's, to be changed where it is there. */
  | 'upsert'
  /** Raises its own role. */
  | 'promote'
  /** Calls a function, and looks for others' rows in what it gives; for changes of others' rows. */
  | 'call' | 'call-changes'
  /** Calls it with the mightiest role for an argument. */
  | 'call-mighty';

/** The letter of the matrix under which a verb is shown. */
export const verbLetters: Record<Verb, 'S' | 'I' | 'U' | 'D' | 'R' | 'X'> = {
  select: 'S', insert: 'I', 'insert-returning': 'I', 'insert-forged': 'I', 'insert-as': 'I', 'insert-cross': 'I', update: 'U', 'update-all': 'U', upsert: 'U',
  promote: 'U', relink: 'R', 'relink-all': 'R', 'call-mighty': 'X', delete: 'D', 'delete-all': 'D', give: 'R', 'give-all': 'R', take: 'R', 'take-all': 'R', call: 'X', 'call-changes': 'X',
};
