import { type ComponentProps, type ReactNode, useId } from 'react';

/** What an input is labeled with, and what is wrong with its value. */
interface LabelProps {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
}

/** An input's label, hint and problem, tied to it for screen readers. */
export function Labeled({
  label,
  hint,
  problem,
  required,
  children,
}: LabelProps & {
  required?: boolean | undefined;
  children(attributes: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean }): ReactNode;
}) {
  const id = useId();
  const describedBy = problem || hint ? `${id}-about` : undefined;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
        {required === false && <span className="font-normal"> (optional)</span>}
      </label>
      {children({ id, 'aria-describedby': describedBy, 'aria-invalid': problem !== undefined })}
      {describedBy !== undefined && (
        <p id={describedBy} className={problem ? 'text-error text-sm' : 'text-sm'}>
          {problem ?? hint}
        </p>
      )}
    </div>
  );
}

/** A labeled input of one line. */
export function Input({ label, hint, problem, ...input }: LabelProps & ComponentProps<'input'>) {
  return (
    <Labeled label={label} hint={hint} problem={problem}>
      {(attributes) => <input className="input w-full" {...input} {...attributes} />}
    </Labeled>
  );
}
