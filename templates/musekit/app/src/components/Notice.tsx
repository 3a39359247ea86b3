import { errorText } from '../lib/errors';

/** What went wrong, in words; nothing where nothing did. */
export function Problem({ error }: { error: unknown }) {
  if (!error) return null;
  return (
    <div role="alert" className="alert alert-error alert-soft my-4">
      <span>{errorText(error)}</span>
    </div>
  );
}

export function Done({ children }: { children: React.ReactNode }) {
  return (
    <div role="status" className="alert alert-success alert-soft my-4">
      <span>{children}</span>
    </div>
  );
}

export function Loading() {
  return (
    <div className="flex justify-center p-12" role="status">
      <span className="loading loading-spinner loading-lg" aria-hidden="true" />
      <span className="sr-only">Loading</span>
    </div>
  );
}
