import { useState } from 'react';
import { Link } from 'react-router';
import { Loading, Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { Pages } from '../components/Pages';
import { useAction } from '../lib/action';
import { formatTime } from '../lib/format';
import { useMarkRead, useNotifications, useUnread } from '../lib/notifications';

/** What the product tells the user. The backend writes it, as rows of `notifications`. */
export default function Notifications() {
  const [page, setPage] = useState(0);
  const { data, error, isPending } = useNotifications(page);
  const unread = useUnread();
  const markRead = useAction(useMarkRead());
  return (
    <Page
      title="Notifications"
      actions={
        !!unread && (
          <button type="button" className="btn" disabled={markRead.busy} onClick={() => void markRead.run()}>
            Mark all as read
          </button>
        )
      }
    >
      <Problem error={markRead.error} />
      {isPending ? (
        <Loading />
      ) : error ? (
        <Problem error={error} />
      ) : data.count === 0 ? (
        <p>There is no notification yet.</p>
      ) : (
        <>
          <ul className="flex flex-col gap-3">
            {data.rows.map(({ id, title, body, link, read_at, created_at }) => (
              <li key={id} className="card bg-base-200">
                <div className="card-body flex-row flex-wrap items-start justify-between gap-3">
                  <div className="min-w-0">
                    <p className="font-semibold">
                      {link === null ? (
                        title
                      ) : (
                        <Link className="link" to={link} onClick={() => void (read_at === null && markRead.run(id))}>
                          {title}
                        </Link>
                      )}{' '}
                      {read_at === null && <span className="badge badge-primary">New</span>}
                    </p>
                    {body !== '' && <p className="whitespace-pre-line">{body}</p>}
                    <p className="text-sm">{formatTime(created_at)}</p>
                  </div>
                  {read_at === null && (
                    <button
                      type="button"
                      className="btn btn-sm"
                      aria-label={`Mark as read: ${title}`}
                      disabled={markRead.busy}
                      onClick={() => void markRead.run(id)}
                    >
                      Mark as read
                    </button>
                  )}
                </div>
              </li>
            ))}
          </ul>
          <Pages page={page} count={data.count} onPage={setPage} />
        </>
      )}
    </Page>
  );
}
