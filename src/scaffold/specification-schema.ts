import { boolean, exactOptional, type GenericSchema, null_, number as anyNumber, string } from 'valibot';
import { checked, either, list, number, object, oneOf, text, yesOrNo } from '../shared/schema.ts';
import { type ColumnSpecification, defaultExpressions, type TableSpecification } from './table.ts';

/** A reference gets the type of its target, and uuid until that is known. */
type GivenColumn = Omit<ColumnSpecification, 'type'> & Partial<Pick<ColumnSpecification, 'type'>>;

/** A table as users write it. */
export type GivenTable = Omit<TableSpecification, 'columns' | 'scope'> &
  Partial<Pick<TableSpecification, 'scope'>> & { columns: GivenColumn[] };

const literal = either([string(), anyNumber(), boolean(), null_()], 'text, a number, true, false or null');
const columnLists = list(
  list(text('the name of a column'), 'a list of column names'),
  'a list of lists of column names',
);

const column = checked(
  object({
    name: text(),
    type: exactOptional(text()),
    required: exactOptional(yesOrNo()),
    unique: exactOptional(yesOrNo()),
    default: exactOptional(literal),
    defaultExpression: exactOptional(oneOf(defaultExpressions)),
    choices: exactOptional(list(text(), 'a list of texts')),
    min: exactOptional(number()),
    max: exactOptional(number()),
    references: exactOptional(text()),
    onDelete: exactOptional(oneOf(['cascade', 'restrict', 'set null'])),
    self: exactOptional(yesOrNo()),
    writable: exactOptional(yesOrNo()),
    samples: exactOptional(list(text(), 'a list of texts')),
    comment: exactOptional(text()),
  }),
  ({ type, references }) =>
    type === undefined && references === undefined
      ? [{ path: [], message: 'type is missing', suggestion: 'Add type.' }]
      : [],
) satisfies GenericSchema<unknown, GivenColumn>;

/** The shape of a table specification; `check-table.ts` checks names and types. */
export const tableSchema = object({
  name: text(),
  columns: list(column),
  scope: exactOptional(oneOf(['owner', 'organization', 'public-read', 'service-only'])),
  scopeColumn: exactOptional(text()),
  scopedBy: exactOptional(oneOf(['owner', 'organization'])),
  publicWhere: exactOptional(object({ column: text(), values: list(text(), 'a list of texts') })),
  visitors: exactOptional(object({ user: text(), under: text(), having: object({ column: text(), value: text() }) })),
  comment: exactOptional(text()),
  unique: exactOptional(columnLists),
  indexes: exactOptional(columnLists),
}) satisfies GenericSchema<unknown, GivenTable>;

/** The shape of a file in templates/presets. */
export const presetSchema = object({
  title: text(),
  needs: list(text()),
  tables: list(tableSchema),
  coreColumns: list(object({ table: text(), columns: list(column) })),
  buckets: list(object({ id: text(), public: yesOrNo(), fileSizeLimit: number(), allowedMimeTypes: list(text()) })),
  templates: list(text()),
});
