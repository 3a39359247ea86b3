import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useNavigate } from 'react-router';
import { Confirm } from '../components/Confirm';
import { CopyOnce } from '../components/CopyOnce';
import { Input, Labeled } from '../components/Labeled';
import { Loading, Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { formatTime } from '../lib/format';
import { pageUrl } from '../lib/links';
import { manages, personName, type Role, useOrganization, useOrganizations, usePeople } from '../lib/organization';
import { useUser } from '../lib/session';
import { supabase } from '../lib/supabase';

const roles: Record<Role, string> = {
  owner: 'Owner: everything',
  admin: 'Admin: members, keys and settings',
  member: 'Member: reads and writes',
  viewer: 'Viewer: only reads',
};

/** Someone may accept an invitation, or leave, while the page is open. */
const readAgainMs = 5000;

export default function Members() {
  const { role } = useOrganization();
  return (
    <Page title="Members">
      <People />
      {manages(role) && (
        <>
          <h2 className="mt-8 mb-4 text-xl font-semibold">Invite someone</h2>
          <Invite />
          <Invitations />
        </>
      )}
    </Page>
  );
}

function People() {
  const { id, role: ownRole } = useOrganization();
  const { refresh } = useOrganizations();
  const user = useUser();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { data, error, isPending } = usePeople(readAgainMs);
  const changed = () => queries.invalidateQueries({ queryKey: ['people', id] });
  const member = (person: string) => ({ organization_id: id, user_id: person });
  const changeRole = useAction(async (person: string, role: string) => {
    const { error } = await supabase.from('organization_members').update({ role }).match(member(person));
    if (error) throw error;
    await Promise.all([changed(), refresh()]);
  });
  const remove = async (person: string) => {
    const { error } = await supabase.from('organization_members').delete().match(member(person));
    if (error) throw error;
    await changed();
    if (person !== user.id) return;
    await refresh();
    await navigate('/');
  };
  if (isPending) return <Loading />;
  if (error) return <Problem error={error} />;
  return (
    <>
      <Problem error={changeRole.error} />
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Members">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Role</th>
              <th scope="col">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((person) => {
              const isMe = person.user_id === user.id;
              const mayRemove =
                ownRole === 'owner' || (ownRole === 'admin' && ['member', 'viewer'].includes(person.role));
              return (
                <tr key={person.user_id}>
                  <td>
                    {personName(person)} {isMe && '(you)'}
                    <div className="text-sm">{person.email}</div>
                  </td>
                  <td>
                    {ownRole === 'owner' ? (
                      <select
                        className="select"
                        aria-label={`Role of ${personName(person)}`}
                        value={person.role}
                        onChange={(event) => void changeRole.run(person.user_id, event.target.value)}
                      >
                        {Object.entries(roles).map(([value, text]) => (
                          <option key={value} value={value}>
                            {text}
                          </option>
                        ))}
                      </select>
                    ) : (
                      roles[person.role as Role]
                    )}
                  </td>
                  <td className="text-right">
                    {isMe ? (
                      <Confirm button="Leave" title="Leave this organization?" onConfirm={() => remove(person.user_id)}>
                        You will no longer see what belongs to it.
                      </Confirm>
                    ) : (
                      mayRemove && (
                        <Confirm
                          button="Remove"
                          title={`Remove ${personName(person)}?`}
                          onConfirm={() => remove(person.user_id)}
                        >
                          They will no longer see what belongs to this organization.
                        </Confirm>
                      )
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Invite() {
  const { id } = useOrganization();
  const queries = useQueryClient();
  const [link, setLink] = useState<string>();
  const { register, handleSubmit, reset } = useForm({ defaultValues: { email: '', role: 'member' } });
  const invite = useAction(async ({ email, role }: { email: string; role: string }) => {
    const { data, error } = await supabase.rpc('create_invitation', { organization: id, email, role });
    if (error) throw error;
    const [created] = data;
    if (created) setLink(pageUrl(`/invitation?token=${encodeURIComponent(created.token)}`));
    reset();
    await queries.invalidateQueries({ queryKey: ['invitations', id] });
  });
  return (
    <>
      <form className="flex flex-wrap items-end gap-4" onSubmit={handleSubmit(invite.run)}>
        <Input label="Email" type="email" required {...register('email')} />
        <Labeled label="Role">
          {(attributes) => (
            <select className="select" {...attributes} {...register('role')}>
              {(['member', 'viewer', 'admin'] as const).map((role) => (
                <option key={role} value={role}>
                  {roles[role]}
                </option>
              ))}
            </select>
          )}
        </Labeled>
        <SubmitButton busy={invite.busy}>Create the invitation</SubmitButton>
      </form>
      <Problem error={invite.error} />
      {link !== undefined && (
        <CopyOnce label="Link of the invitation" value={link}>
          Send this link to the person. It is shown only now, and works only for their address.
        </CopyOnce>
      )}
    </>
  );
}

function Invitations() {
  const { id } = useOrganization();
  const queries = useQueryClient();
  const { data = [], error } = useQuery({
    queryKey: ['invitations', id],
    refetchInterval: readAgainMs,
    queryFn: async () => {
      const { data, error } = await supabase
        .from('invitations')
        .select('id, email, role, expires_at')
        .eq('organization_id', id)
        .is('accepted_at', null)
        .order('expires_at');
      if (error) throw error;
      return data;
    },
  });
  const withdraw = async (invitation: string) => {
    const { error } = await supabase.from('invitations').delete().eq('id', invitation);
    if (error) throw error;
    await queries.invalidateQueries({ queryKey: ['invitations', id] });
  };
  if (error) return <Problem error={error} />;
  if (data.length === 0) return null;
  return (
    <>
      <h2 className="mt-8 mb-4 text-xl font-semibold">Open invitations</h2>
      <ul className="flex flex-col gap-2">
        {data.map((invitation) => (
          <li key={invitation.id} className="flex flex-wrap items-center justify-between gap-2">
            <span>
              {invitation.email}, {invitation.role}, until {formatTime(invitation.expires_at)}
            </span>
            <Confirm
              button="Withdraw"
              title={`Withdraw the invitation of ${invitation.email}?`}
              onConfirm={() => withdraw(invitation.id)}
            >
              Its link will no longer work.
            </Confirm>
          </li>
        ))}
      </ul>
    </>
  );
}
