import { fieldsOf } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';
import { editable, statementOf } from './engine/fix/fix.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import { here } from './engine/check.ts';
import { isTsqlFile } from './engine/dialects.ts';
import { withoutStatement } from './engine/fix/place.ts';
import type { Rule } from './engine/rule.ts';

/** Removes each BEGIN and COMMIT. A file that rolls something back is left: without its ROLLBACK it would keep that. */
function apply(situation: Situation): FixResult {
  const found = editable(situation, 'transaction-control').flatMap((problem) => {
    const statement = statementOf(problem);
    return statement === undefined ? [] : [{ source: problem.source, statement }];
  });
  const kept = new Set(
    found.filter(({ statement }) => rollsBack(statement)).map(({ source }) => source.migration.file),
  );
  const edits = found.flatMap(({ source, statement }): Edit[] =>
    kept.has(source.migration.file) ? [] : [withoutStatement(source, statement)],
  );
  return { edits };
}

/** Says whether the statement undoes what the transaction has done so far. */
function rollsBack({ tree }: Statement): boolean {
  return fieldsOf(tree, 'TransactionStmt')?.kind?.startsWith('TRANS_STMT_ROLLBACK') === true;
}

export const rule: Rule = {
  name: 'transaction-control',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'a file has a BEGIN or COMMIT of its own',
  doc: {
    why:
      'Each file runs in one transaction together with its row in the migration history. A COMMIT inside ends that ' +
      'transaction halfway: when a later statement fails, half of the file stays applied, and it is unclear which ' +
      'half.',
    bad: 'BEGIN;\nCREATE TABLE IF NOT EXISTS notes (id uuid);\nCOMMIT;',
    good: 'CREATE TABLE IF NOT EXISTS notes (id uuid);',
  },
  check: {
    piece(piece, _, report) {
      if (piece.type !== 'TransactionStmt' || piece.inside !== undefined) return;
      const word = piece.statement.sql.split(/\s/)[0]!.toUpperCase();
      // The END of a T-SQL block whose BEGIN is in a statement that does not parse.
      if (word === 'END' && isTsqlFile(piece.source)) return;
      report({
        ...here(piece),
        message: `${word} ends or nests the transaction that the file runs in.`,
        suggestion: rollsBack(piece.statement)
          ? 'Remove it together with the statements that it undoes: each file runs in one transaction of its own.'
          : 'Remove it: each file runs in one transaction of its own.',
      });
    },
  },
  fix: {
    does: 'removes it, unless the file also has a ROLLBACK, which undoes what is before it',
    stage: 'syntax',
    apply,
  },
};
