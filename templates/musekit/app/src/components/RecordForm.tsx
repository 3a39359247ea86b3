import { createContext, type ReactNode, use } from 'react';
import { FormProvider, useForm } from 'react-hook-form';
import { useNavigate, useParams } from 'react-router';
import { useAction } from '../lib/action';
import { words } from '../lib/format';
import { useOrganization } from '../lib/organization';
import { mayAdd, mayChange, useRemove, useRow, useSave } from '../lib/records';
import { useUser } from '../lib/session';
import { type Column, pathOf, type Row, type Table } from '../lib/table';
import { fromInput, initialInput, type InputValue, toInput } from '../lib/values';
import { Confirm } from './Confirm';
import { Loading, Problem } from './Notice';
import { Page } from './Page';
import { SubmitButton } from './SubmitButton';
import { Value } from './Value';

/** The columns of the table that a form is for. */
export const ColumnsContext = createContext<Readonly<Record<string, Column>> | null>(null);

/** The page of a new row, or of the one that the address names: to change, or only to read. */
export function RecordForm({ table, children }: { table: Table; children: ReactNode }) {
  const { id } = useParams();
  const organization = useOrganization();
  const user = useUser();
  const { data: row, error, isPending } = useRow(table, id);
  if (id === undefined)
    return (
      <Page title={`New ${table.one}`}>
        {mayAdd(table, organization) ? (
          <Editor table={table}>{children}</Editor>
        ) : (
          <Problem error={{ code: '42501' }} />
        )}
      </Page>
    );
  const name = row?.[table.titleColumn];
  const title = table.columns[table.titleColumn]?.kind === 'text' && name ? String(name) : words(table.one);
  return (
    <Page title={title}>
      {isPending ? (
        <Loading />
      ) : error ? (
        <Problem error={error} />
      ) : mayChange(table, row, organization, user.id) ? (
        <Editor table={table} id={id} row={row}>
          {children}
        </Editor>
      ) : (
        <Reader table={table} row={row} />
      )}
    </Page>
  );
}

function Editor({ table, id, row, children }: { table: Table; id?: string; row?: Row; children: ReactNode }) {
  const navigate = useNavigate();
  const save = useSave(table);
  const remove = useRemove(table);
  const { columns } = table;
  const form = useForm<Record<string, InputValue>>({
    // Only what the form has a field for is sent.
    shouldUnregister: true,
    defaultValues: Object.fromEntries(
      Object.entries(columns).map(([name, column]) => [
        name,
        row === undefined ? initialInput(column) : toInput(column, row[name]),
      ]),
    ),
  });
  const { dirtyFields } = form.formState;
  const submit = useAction(async (inputs: Record<string, InputValue>) => {
    // Of a row that is there, only what was changed: others may change the rest meanwhile.
    const sent = Object.entries(inputs).filter(([name]) => id === undefined || dirtyFields[name] === true);
    const values = sent.map(([name, input]) => [name, fromInput(columns[name] as Column, input)] as const);
    // A column without a value gets the default of the database.
    const given = id === undefined ? values.filter(([, value]) => value !== null) : values;
    if (id === undefined || given.length > 0) await save(id, Object.fromEntries(given));
    await navigate(pathOf(table));
  });
  return (
    <ColumnsContext value={columns}>
      <FormProvider {...form}>
        <form className="flex max-w-2xl flex-col gap-5" onSubmit={form.handleSubmit(submit.run)}>
          {children}
          <Problem error={submit.error} />
          <div className="flex flex-wrap gap-3">
            <SubmitButton busy={submit.busy}>Save</SubmitButton>
            <button type="button" className="btn" onClick={() => void navigate(pathOf(table))}>
              Cancel
            </button>
            {id !== undefined && (
              <Confirm
                button="Delete"
                title={`Delete this ${table.one}?`}
                className="btn btn-error ml-auto"
                onConfirm={async () => {
                  await remove(id);
                  await navigate(pathOf(table));
                }}
              >
                This cannot be undone.
              </Confirm>
            )}
          </div>
        </form>
      </FormProvider>
    </ColumnsContext>
  );
}

/** What is shown to someone who may not change the row. */
function Reader({ table, row }: { table: Table; row: Row }) {
  return (
    <dl className="grid max-w-2xl gap-4">
      {Object.entries(table.columns).map(([name, column]) => (
        <div key={name}>
          <dt className="font-medium">{column.label}</dt>
          <dd className="whitespace-pre-wrap">
            <Value column={column} value={row[name]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A column of the form's table. */
export function useColumn(name: string): Column {
  const column = use(ColumnsContext)?.[name];
  if (column === undefined) throw new Error(`The table of this form has no column ${name}.`);
  return column;
}
