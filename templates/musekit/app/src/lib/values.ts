import type { Column } from './table';

/** A value as an input holds it. */
export type InputValue = string | boolean;

/** What an input shows for a value of the database. */
export function toInput({ kind }: Column, value: unknown): InputValue {
  if (kind === 'checkbox') return value === true;
  if (value === null || value === undefined) return '';
  if (kind === 'json') return JSON.stringify(value, undefined, 2);
  if (kind === 'list') return (value as unknown[]).join('\n');
  if (kind === 'dateTime') return localTime(new Date(String(value)));
  if (kind === 'localDateTime') return String(value).slice(0, 16);
  return String(value);
}

/** What an input of a new row holds. */
export function initialInput(column: Column): InputValue {
  const { initial } = column;
  if (initial === undefined) return toInput(column, undefined);
  return typeof initial === 'boolean' ? initial : String(initial);
}

/** The value of the database for what was typed; an empty input is no value. */
export function fromInput(column: Column, input: InputValue): unknown {
  const { kind } = column;
  if (typeof input === 'boolean') return input;
  if (kind === 'list') {
    const entries = input.split('\n').map((line) => line.trim());
    const filled = entries.filter((entry) => entry !== '');
    return column.of === 'number' ? filled.map(Number) : filled;
  }
  if (input === '') return kind === 'text' && column.required === true ? '' : null;
  if (kind === 'json') return JSON.parse(input) as unknown;
  if (kind === 'integer' || kind === 'number') return Number(input);
  if (kind === 'dateTime') return new Date(input).toISOString();
  return input;
}

/** Why what was typed cannot be a value; true where it can. */
export function check(column: Column, input: InputValue): true | string {
  const { kind, required } = column;
  if (required === true && kind !== 'list' && typeof input === 'string' && input.trim() === '') return 'Fill this in.';
  if (kind === 'json' && input !== '') {
    try {
      JSON.parse(String(input));
    } catch {
      return 'This is not valid JSON.';
    }
  }
  if (kind === 'list' && column.of === 'number' && (fromInput(column, input) as number[]).some(Number.isNaN))
    return 'Write one number a line.';
  return true;
}

/** As an input of the type `datetime-local` holds it: without a zone, in that of the browser. */
function localTime(at: Date): string {
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
