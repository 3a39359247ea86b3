/** A correct table, line by line, for the examples on the rules' pages: each bad example omits or changes one line. */
export const exampleLines = {
  header: '-- Notes.',
  table: [
    'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES auth.users (id) ON ' +
      'DELETE CASCADE, title text, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL ' +
      'DEFAULT now());',
    'CREATE INDEX IF NOT EXISTS idx_notes_user_id ON notes (user_id);',
  ].join('\n'),
  rls: 'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;',
  drop: 'DROP POLICY IF EXISTS "own notes" ON notes;',
  policy:
    'CREATE POLICY "own notes" ON notes FOR ALL TO authenticated USING ((SELECT auth.uid()) = user_id) WITH ' +
    'CHECK ((SELECT auth.uid()) = user_id);',
  grants: 'GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO authenticated;',
};

/** The example without some of its lines. */
export function exampleWithout(...left: (keyof typeof exampleLines)[]): string {
  return Object.entries(exampleLines)
    .flatMap(([key, line]) => (left.some((each) => each === key) ? [] : [line]))
    .join('\n');
}

/** The whole example. */
export const example = exampleWithout();
