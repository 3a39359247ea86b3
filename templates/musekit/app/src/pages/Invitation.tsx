import { useNavigate, useSearchParams } from 'react-router';
import { Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { useAction } from '../lib/action';
import { useOrganizations } from '../lib/organization';
import { useUser } from '../lib/session';
import { supabase } from '../lib/supabase';

/** The page that the link of an invitation leads to. */
export default function Invitation() {
  const [parameters] = useSearchParams();
  const token = parameters.get('token') ?? '';
  const user = useUser();
  const { refresh, switchTo } = useOrganizations();
  const navigate = useNavigate();
  const accept = useAction(async () => {
    const { data: organization, error } = await supabase.rpc('accept_invitation', { token });
    if (error) throw error;
    switchTo(organization);
    await refresh();
    await navigate('/');
  });
  return (
    <Page title="You are invited">
      <p className="mb-4">
        Accept the invitation as {user.email}. To use another account, sign out and open the link again.
      </p>
      <Problem error={accept.error} />
      <button type="button" className="btn btn-primary" disabled={accept.busy} onClick={() => void accept.run()}>
        Accept the invitation
      </button>
    </Page>
  );
}
