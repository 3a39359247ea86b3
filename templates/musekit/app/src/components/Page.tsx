import { type ReactNode, useEffect } from 'react';
import { productName } from '../lib/product';

/** A page: its heading, what can be done on it, and its content. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <>
      <div className="mb-6 flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-2xl font-semibold">{title}</h1>
        {actions}
      </div>
      {children}
    </>
  );
}

/** A page for visitors: a card in the middle of the screen. */
export function VisitorPage({ title, children }: { title: string; children: ReactNode }) {
  useTitle(title);
  return (
    <main className="bg-base-200 flex min-h-screen items-center justify-center p-4">
      <div className="card bg-base-100 w-full max-w-sm shadow-sm">
        <div className="card-body gap-4">
          <p className="font-semibold">{productName}</p>
          <h1 className="text-2xl font-semibold">{title}</h1>
          {children}
        </div>
      </div>
    </main>
  );
}

function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · ${productName}`;
  }, [title]);
}
