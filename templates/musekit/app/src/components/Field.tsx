import type { ComponentProps, ComponentType } from 'react';
import { useFormContext } from 'react-hook-form';
import { words } from '../lib/format';
import { personName, usePeople } from '../lib/organization';
import { useOptions } from '../lib/records';
import type { ColumnName, TableName, TableOf, Target } from '../lib/table';
import { check, type InputValue } from '../lib/values';
import { Labeled } from './Labeled';
import { useColumn } from './RecordForm';

/** The fields of a table's form, which know the names of its columns. */
export function fieldsOf<T extends TableName>(_table: TableOf<T>): ComponentType<{ name: ColumnName<T> }> {
  return Field;
}

/** The input of a column, by its kind. */
function Field({ name }: { name: string }) {
  const column = useColumn(name);
  const { register, formState } = useFormContext<Record<string, InputValue>>();
  const { label, hint, required = false } = column;
  const problem = formState.errors[name]?.message;
  const attributes = register(name, { validate: (value) => check(column, value) });
  if (column.kind === 'checkbox')
    return (
      <label className="flex items-center gap-3 font-medium">
        <input type="checkbox" className="checkbox" {...attributes} />
        {label}
      </label>
    );
  const more = column.kind === 'list' ? 'One a line.' : undefined;
  return (
    <Labeled
      label={label}
      hint={[hint, more].filter(Boolean).join(' ') || undefined}
      problem={problem}
      required={required || column.kind === 'list'}
    >
      {(tied) => {
        const shared = { ...attributes, ...tied };
        switch (column.kind) {
          case 'longText':
            return <textarea className="textarea w-full" rows={4} maxLength={column.maxLength} {...shared} />;
          case 'json':
            return <textarea className="textarea w-full font-mono" rows={4} spellCheck={false} {...shared} />;
          case 'list':
            return <textarea className="textarea w-full" rows={3} {...shared} />;
          case 'choice':
            return (
              <Select shared={shared} required={required}>
                {column.choices.map((choice) => ({ id: choice, title: words(choice) }))}
              </Select>
            );
          case 'person':
            return <PersonSelect shared={shared} required={required} />;
          case 'reference':
            return <ReferenceSelect shared={shared} required={required} target={column.to()} />;
          case 'integer':
          case 'number':
            return (
              <input
                className="input w-full"
                type="number"
                step={column.kind === 'integer' ? 1 : 'any'}
                min={column.min}
                max={column.max}
                {...shared}
              />
            );
          case 'date':
            return <input className="input w-full" type="date" {...shared} />;
          case 'dateTime':
          case 'localDateTime':
            return <input className="input w-full" type="datetime-local" {...shared} />;
          case 'time':
            return <input className="input w-full" type="time" {...shared} />;
          case 'text':
            return (
              <input className="input w-full" type={column.format ?? 'text'} maxLength={column.maxLength} {...shared} />
            );
        }
      }}
    </Labeled>
  );
}

interface SelectProps {
  shared: ComponentProps<'select'>;
  required: boolean;
}

function Select({ shared, required, children }: SelectProps & { children: { id: string; title: string }[] }) {
  return (
    <select className="select w-full" {...shared}>
      <option value="">{required ? 'Choose …' : 'None'}</option>
      {children.map(({ id, title }) => (
        <option key={id} value={id}>
          {title}
        </option>
      ))}
    </select>
  );
}

function PersonSelect(props: SelectProps) {
  const { data } = usePeople();
  // The input takes its value when the choices are there.
  return (
    <Select key={String(data === undefined)} {...props}>
      {(data ?? []).map((person) => ({ id: person.user_id, title: personName(person) }))}
    </Select>
  );
}

function ReferenceSelect({ target, ...props }: SelectProps & { target: Target }) {
  const { data } = useOptions(target);
  return (
    <Select key={String(data === undefined)} {...props}>
      {data ?? []}
    </Select>
  );
}
