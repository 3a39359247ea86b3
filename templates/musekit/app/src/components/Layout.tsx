import { Suspense, useState } from 'react';
import { NavLink, Outlet } from 'react-router';
import { useUnread } from '../lib/notifications';
import { useOrganizations } from '../lib/organization';
import { productName } from '../lib/product';
import { useLive } from '../lib/records';
import { useUser } from '../lib/session';
import { supabase } from '../lib/supabase';
import { pathOf } from '../lib/table';
import { tables } from '../tables';
import { Loading } from './Notice';

/** The frame of all pages: on a wide screen with the menu beside them, on a narrow one with the menu to open. */
export function Layout() {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <div className="drawer lg:drawer-open min-h-screen">
      {/* What opens the menu in daisyUI; the button stands for it. */}
      <input type="checkbox" className="drawer-toggle" aria-hidden="true" tabIndex={-1} checked={isOpen} readOnly />
      <div className="drawer-content min-w-0">
        <header className="navbar bg-base-100 border-base-300 border-b lg:hidden">
          <button type="button" className="btn btn-ghost" aria-expanded={isOpen} onClick={() => setOpen(true)}>
            <span aria-hidden="true">☰</span> Menu
          </button>
          <span className="font-semibold">{productName}</span>
        </header>
        <main className="mx-auto max-w-6xl p-4 sm:p-8">
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <div className="drawer-side z-10">
        <div className="drawer-overlay" aria-hidden="true" onClick={close} />
        <nav
          aria-label="Main"
          onKeyDown={({ key }) => key === 'Escape' && close()}
          className="bg-base-200 flex min-h-full w-64 flex-col gap-4 p-4"
        >
          <p className="px-2 text-lg font-semibold">{productName}</p>
          <Switcher />
          <Menu onChoose={close} />
          <Account onChoose={close} />
        </nav>
      </div>
    </div>
  );
}

function Switcher() {
  const { organizations, current, switchTo } = useOrganizations();
  if (current === undefined) return null;
  return (
    <label className="flex flex-col gap-1 px-2">
      <span className="text-sm">Organization</span>
      <select className="select w-full" value={current.id} onChange={(event) => switchTo(event.target.value)}>
        {organizations.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Menu({ onChoose }: { onChoose(): void }) {
  const { current } = useOrganizations();
  const item = (to: string, text: string) => (
    <li key={to}>
      <NavLink
        to={to}
        end={to === '/'}
        onClick={onChoose}
        className={({ isActive }) => (isActive ? 'menu-active' : '')}
      >
        {text}
      </NavLink>
    </li>
  );
  return (
    <ul className="menu w-full flex-1 p-0">
      {current !== undefined && (
        <>
          {item('/', 'Home')}
          {tables.map(({ table }) => item(pathOf(table), table.title))}
          <li className="menu-title text-base-content">Organization</li>
          {item('/members', 'Members')}
          {item('/plan', 'Plan and usage')}
          {item('/api-keys', 'API keys')}
          {item('/organization', 'Settings')}
        </>
      )}
      {item('/found', 'New organization')}
    </ul>
  );
}

function Account({ onChoose }: { onChoose(): void }) {
  const user = useUser();
  const unread = useUnread();
  useLive({ name: 'notifications' });
  return (
    <div className="border-base-300 border-t pt-4">
      <p className="truncate px-2 text-sm" title={user.email}>
        {user.email}
      </p>
      <ul className="menu w-full p-0">
        <li>
          <NavLink to="/notifications" onClick={onChoose}>
            Notifications
            {!!unread && (
              <span className="badge badge-primary badge-sm">
                {unread}
                <span className="sr-only"> unread</span>
              </span>
            )}
          </NavLink>
        </li>
        <li>
          <NavLink to="/profile" onClick={onChoose}>
            Profile
          </NavLink>
        </li>
        <li>
          <button type="button" onClick={() => void supabase.auth.signOut()}>
            Sign out
          </button>
        </li>
      </ul>
    </div>
  );
}
