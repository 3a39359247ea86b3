import { type ReactNode, useId, useRef, useState } from 'react';
import { Problem } from './Notice';

/** A button that asks before it does what cannot be undone. */
export function Confirm({
  button,
  title,
  children,
  className = 'btn btn-sm',
  onConfirm,
}: {
  button: string;
  title: string;
  children: ReactNode;
  className?: string;
  onConfirm(): Promise<unknown>;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    try {
      await onConfirm();
      dialog.current?.close();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button
        type="button"
        className={className}
        onClick={() => {
          setError(undefined);
          dialog.current?.showModal();
        }}
      >
        {button}
      </button>
      <dialog ref={dialog} className="modal" aria-labelledby={titleId}>
        <div className="modal-box">
          <h2 id={titleId} className="text-lg font-semibold">
            {title}
          </h2>
          <div className="py-4">{children}</div>
          <Problem error={error} />
          <div className="modal-action">
            <button type="button" className="btn" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="button" className="btn btn-error" disabled={busy} onClick={() => void confirm()}>
              {button}
            </button>
          </div>
        </div>
      </dialog>
    </>
  );
}
