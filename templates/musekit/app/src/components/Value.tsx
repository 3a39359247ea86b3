import { formatDate, formatNumber, formatTime, words } from '../lib/format';
import { personName, usePeople } from '../lib/organization';
import { useTitle } from '../lib/records';
import type { Column, Target } from '../lib/table';

/** A value of a row, for people. */
export function Value({ column, value }: { column: Column; value: unknown }) {
  if (value === null || value === undefined || value === '') return <span aria-label="none">–</span>;
  switch (column.kind) {
    case 'checkbox':
      return value ? 'Yes' : 'No';
    case 'integer':
    case 'number':
      return formatNumber(Number(value));
    case 'date':
      return formatDate(String(value));
    case 'dateTime':
    case 'localDateTime':
      return formatTime(String(value));
    case 'choice':
      return <span className="badge badge-soft">{words(String(value))}</span>;
    case 'list':
      return (value as unknown[]).join(', ');
    case 'json':
      return <code>{JSON.stringify(value)}</code>;
    case 'person':
      return <Person id={String(value)} />;
    case 'reference':
      return <Reference target={column.to()} id={String(value)} />;
    default:
      return String(value);
  }
}

function Person({ id }: { id: string }) {
  const { data = [] } = usePeople();
  const person = data.find(({ user_id }) => user_id === id);
  return person === undefined ? 'Someone who left' : personName(person);
}

function Reference({ target, id }: { target: Target; id: string }) {
  return useTitle(target, id) ?? '–';
}
