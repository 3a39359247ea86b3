import { pageSize } from '../lib/records';

/** Which part of a list is shown, and the way to the others. */
export function Pages({ page, count, onPage }: { page: number; count: number; onPage(page: number): void }) {
  const last = Math.max(0, Math.ceil(count / pageSize) - 1);
  return (
    <nav aria-label="Pages" className="mt-4 flex flex-wrap items-center justify-between gap-2">
      <span>
        {page * pageSize + 1} to {Math.min(count, (page + 1) * pageSize)} of {count}
      </span>
      {last > 0 && (
        <span className="join">
          <button type="button" className="btn join-item" disabled={page === 0} onClick={() => onPage(page - 1)}>
            Previous
          </button>
          <button type="button" className="btn join-item" disabled={page >= last} onClick={() => onPage(page + 1)}>
            Next
          </button>
        </span>
      )}
    </nav>
  );
}
