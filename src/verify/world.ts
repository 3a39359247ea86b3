import type { Session } from '../database/database.ts';
import { isPlatformSchema, qualifiedName, type RelationRow } from './catalog.ts';
import { type RowStep, fillSteps } from './fill.ts';
import { fillOrder } from './fill-order.ts';
import type { Model } from './model.ts';
import { makePeople, type Person } from './people.ts';
import { draftRows, questionsOf, type Rows } from './rows.ts';
import { runPlan } from './run-script.ts';
import { isTable } from './tenancy.ts';

/** The made-up world: people, their rows, and the statements that put those in. */
export interface World {
  people: Person[];
  rows: Rows;
  steps: RowStep[];
}

/**
 * Makes the world up; asks the database once, and only where CHECKs have to be solved.
 * @throws MuseError, DatabaseError as {@link runPlan}
 */
export async function makeWorld(session: Session, model: Model): Promise<World> {
  const tables = tablesToFill(model);
  const people = makePeople(model);
  const rows = draftRows(tables, people, model);
  const questions = questionsOf(rows);
  if (questions.length > 0) {
    // Every row of a table asks the same unless its own ids come in: each question is asked once.
    const distinct = [...new Set(questions.map(({ sql }) => sql))];
    const asker = { role: model.catalog.user, settings: {}, user: '', organization: '' };
    const probes = distinct.map((sql) => ({ sql, mode: 'read' as const, state: '', actors: [0] }));
    const { cells } = await runPlan(session, { sequences: [], quiet: [], fill: [], states: {}, marks: [], actors: [asker], probes });
    const answers = new Map(cells.map((cell) => [distinct[cell.probe]!, 'answer' in cell && cell.answer !== '' ? (JSON.parse(cell.answer) as number[][]) : null]));
    for (const question of questions) question.take(answers.get(question.sql) ?? null);
  }
  return { people, rows, steps: fillSteps(rows, fillOrder(tables), model) };
}

/** The muse's own tables, the users, and whatever those point at. */
function tablesToFill(model: Model): RelationRow[] {
  const wanted = new Set([...model.tables.values()].filter((row) => isTable(row) && !isPlatformSchema(row.schema) && !row.partition));
  if (model.tenancy.users !== undefined) wanted.add(model.tenancy.users);
  for (const table of wanted) {
    for (const key of table.constraints) {
      const target = key.target === null ? undefined : model.tables.get(key.target);
      if (target !== undefined && key.type === 'f') wanted.add(target);
    }
  }
  return [...wanted].sort((a, b) => (qualifiedName(a) < qualifiedName(b) ? -1 : 1));
}
