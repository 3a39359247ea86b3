import {
  createColumnHelper,
  flexRender,
  getCoreRowModel,
  type SortingState,
  useReactTable,
} from '@tanstack/react-table';
import { useDeferredValue, useState } from 'react';
import { Link } from 'react-router';
import { useOrganization } from '../lib/organization';
import { mayAdd, useList, useLive } from '../lib/records';
import { type Column, type ColumnName, pathOf, type Row, type Table, type TableName, type TableOf } from '../lib/table';
import { Input } from './Labeled';
import { Loading, Problem } from './Notice';
import { Page } from './Page';
import { Pages } from './Pages';
import { Value } from './Value';

/** The list of a table's rows: searched, sorted and paged by the database, and read again when anyone changes them. */
export function RecordList<T extends TableName>({
  table,
  columns,
}: {
  table: TableOf<T>;
  /** Those that are shown, in their order; the first is the link to the row. */
  columns: ColumnName<T>[];
}) {
  const organization = useOrganization();
  const [typed, setTyped] = useState('');
  const [page, setPage] = useState(0);
  const [sorting, setSorting] = useState<SortingState>([{ id: 'created_at', desc: true }]);
  const sort = sorting[0] ?? { id: 'created_at', desc: true };
  const search = useDeferredValue(typed.trim());
  useLive(table);
  const { data, error, isPending } = useList(table, {
    search,
    page,
    sort: { column: sort.id, descending: sort.desc },
  });
  const isSearchable = Object.values(table.columns).some(({ kind }) => kind === 'text' || kind === 'longText');
  return (
    <Page
      title={table.title}
      actions={
        mayAdd(table, organization) && (
          <Link className="btn btn-primary" to={`${pathOf(table)}/new`}>
            New {table.one}
          </Link>
        )
      }
    >
      {isSearchable && (
        <search className="mb-4 block max-w-sm">
          <Input
            label="Search"
            type="search"
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setPage(0);
            }}
          />
        </search>
      )}
      {isPending ? (
        <Loading />
      ) : error ? (
        <Problem error={error} />
      ) : data.count === 0 ? (
        <p>{search === '' ? `There is no ${table.one} yet.` : `No ${table.one} has “${search}”.`}</p>
      ) : (
        <>
          <Rows table={table} columns={columns} rows={data.rows} sorting={sorting} onSort={setSorting} />
          <Pages page={page} count={data.count} onPage={setPage} />
        </>
      )}
    </Page>
  );
}

const helper = createColumnHelper<Row>();

function Rows({
  table,
  columns,
  rows,
  sorting,
  onSort,
}: {
  table: Table;
  columns: string[];
  rows: Row[];
  sorting: SortingState;
  onSort: React.Dispatch<React.SetStateAction<SortingState>>;
}) {
  const grid = useReactTable({
    data: rows,
    columns: columns.map((name, index) => {
      const column = table.columns[name] as Column;
      return helper.accessor((row) => row[name], {
        id: name,
        header: column.label,
        enableSorting: !['json', 'list', 'person', 'reference'].includes(column.kind),
        cell: ({ getValue, row }) =>
          index === 0 ? (
            <Link className="link" to={`${pathOf(table)}/${String(row.original['id'])}`}>
              <Value column={column} value={getValue()} />
            </Link>
          ) : (
            <Value column={column} value={getValue()} />
          ),
      });
    }),
    state: { sorting },
    onSortingChange: onSort,
    manualSorting: true,
    getCoreRowModel: getCoreRowModel(),
  });
  return (
    // Can be scrolled with the keyboard, too.
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={table.title}>
      <table className="table">
        <thead>
          {grid.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map(({ id, column }) => {
                const sorted = column.getIsSorted();
                return (
                  <th
                    key={id}
                    scope="col"
                    aria-sort={sorted === false ? undefined : sorted === 'asc' ? 'ascending' : 'descending'}
                  >
                    {column.getCanSort() ? (
                      <button type="button" className="cursor-pointer" onClick={column.getToggleSortingHandler()}>
                        {column.columnDef.header as string}
                        <span aria-hidden="true">{sorted === false ? '' : sorted === 'asc' ? ' ↑' : ' ↓'}</span>
                      </button>
                    ) : (
                      (column.columnDef.header as string)
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {grid.getRowModel().rows.map((row) => (
            <tr key={row.id}>
              {row.getVisibleCells().map((cell) => (
                <td key={cell.id} className="max-w-xs truncate">
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
