import { lazy, Suspense } from 'react';
import { Navigate, Outlet, Route, Routes, useLocation } from 'react-router';
import { Layout } from './components/Layout';
import { Loading } from './components/Notice';
import { nextPath } from './lib/links';
import { OrganizationProvider, useOrganizations } from './lib/organization';
import { useSession } from './lib/session';
import { pathOf } from './lib/table';
import { ForgotPassword } from './pages/ForgotPassword';
import { MagicLink } from './pages/MagicLink';
import { NewPassword } from './pages/NewPassword';
import { SignIn } from './pages/SignIn';
import { SignUp } from './pages/SignUp';
import { tables } from './tables';

// What not every visit needs is loaded when it is opened.
const ApiKeys = lazy(() => import('./pages/ApiKeys'));
const Found = lazy(() => import('./pages/Found'));
const Home = lazy(() => import('./pages/Home'));
const Invitation = lazy(() => import('./pages/Invitation'));
const Members = lazy(() => import('./pages/Members'));
const Notifications = lazy(() => import('./pages/Notifications'));
const OrganizationPage = lazy(() => import('./pages/Organization'));
const Plan = lazy(() => import('./pages/Plan'));
const Profile = lazy(() => import('./pages/Profile'));

export function App() {
  const { session, isRecovering } = useSession();
  if (session === undefined) return <Loading />;
  if (isRecovering) return <NewPassword />;
  return (
    <Suspense fallback={<Loading />}>
      {session === null ? (
        <Routes>
          <Route path="/sign-up" element={<SignUp />} />
          <Route path="/forgot-password" element={<ForgotPassword />} />
          <Route path="/magic-link" element={<MagicLink />} />
          <Route path="*" element={<SignIn />} />
        </Routes>
      ) : (
        <OrganizationProvider>
          <Routes>
            <Route element={<Layout />}>
              <Route path="/invitation" element={<Invitation />} />
              <Route path="/found" element={<Found />} />
              <Route path="/notifications" element={<Notifications />} />
              <Route path="/profile" element={<Profile />} />
              <Route element={<NeedsOrganization />}>
                <Route index element={<Home />} />
                <Route path="/members" element={<Members />} />
                <Route path="/organization" element={<OrganizationPage />} />
                <Route path="/plan" element={<Plan />} />
                <Route path="/api-keys" element={<ApiKeys />} />
                {tables.map(({ table, List, Form }) => (
                  <Route key={table.name} path={pathOf(table)}>
                    <Route index element={<List />} />
                    <Route path="new" element={<Form />} />
                    <Route path=":id" element={<Form />} />
                  </Route>
                ))}
              </Route>
              <Route path="*" element={<Onward />} />
            </Route>
          </Routes>
        </OrganizationProvider>
      )}
    </Suspense>
  );
}

/** After signing up: to where the visitor wanted to go. */
function Onward() {
  const { search } = useLocation();
  return <Navigate to={nextPath(search)} replace />;
}

/** Someone who is in no organization founds one first, or accepts an invitation. */
function NeedsOrganization() {
  const { current } = useOrganizations();
  // Another organization has other rows: nothing of a page is kept.
  return current === undefined ? <Navigate to="/found" replace /> : <Outlet key={current.id} />;
}
