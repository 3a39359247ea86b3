import { type ReactNode, useState } from 'react';
import { Input } from './Labeled';

/** A value that is shown only now, with a button that copies it. */
export function CopyOnce({ label, value, children }: { label: string; value: string; children: ReactNode }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <div className="card bg-base-200 my-4">
      <div className="card-body">
        <p>{children}</p>
        <Input label={label} value={value} readOnly onFocus={(event) => event.target.select()} />
        <div>
          <button type="button" className="btn btn-sm" onClick={() => void copy()}>
            {copied ? 'Copied' : 'Copy'}
          </button>
        </div>
      </div>
    </div>
  );
}
