import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { Confirm } from '../components/Confirm';
import { CopyOnce } from '../components/CopyOnce';
import { Input } from '../components/Labeled';
import { Loading, Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { formatTime } from '../lib/format';
import { manages, useOrganization } from '../lib/organization';
import { supabase } from '../lib/supabase';

export default function ApiKeys() {
  const { role } = useOrganization();
  return <Page title="API keys">{manages(role) ? <Keys /> : <p>Owners and admins manage the keys.</p>}</Page>;
}

function Keys() {
  const { id } = useOrganization();
  const queries = useQueryClient();
  const [shown, setShown] = useState<string>();
  const { register, handleSubmit, reset } = useForm<{ name: string }>();
  const changed = () => queries.invalidateQueries({ queryKey: ['api-keys', id] });
  const { data, error, isPending } = useQuery({
    queryKey: ['api-keys', id],
    queryFn: async () => {
      const { data, error } = await supabase
        .from('api_keys')
        .select('id, name, prefix, last_used_at, revoked_at, created_at')
        .eq('organization_id', id)
        .order('created_at', { ascending: false });
      if (error) throw error;
      return data;
    },
  });
  const create = useAction(async ({ name }: { name: string }) => {
    const { data, error } = await supabase.rpc('create_api_key', { organization: id, name });
    if (error) throw error;
    setShown(data[0]?.api_key);
    reset();
    await changed();
  });
  const revoke = async (key: string) => {
    const { error } = await supabase.rpc('revoke_api_key', { api_key_id: key });
    if (error) throw error;
    await changed();
  };
  return (
    <>
      <form className="flex flex-wrap items-end gap-4" onSubmit={handleSubmit(create.run)}>
        <Input label="Name" required maxLength={200} {...register('name')} />
        <SubmitButton busy={create.busy}>Create a key</SubmitButton>
      </form>
      <Problem error={create.error} />
      {shown !== undefined && (
        <CopyOnce label="The new key" value={shown}>
          Copy the key now: it is shown only once.
        </CopyOnce>
      )}
      {isPending ? (
        <Loading />
      ) : error ? (
        <Problem error={error} />
      ) : data.length === 0 ? (
        <p className="mt-6">There are no keys yet.</p>
      ) : (
        <ul className="mt-6 flex flex-col gap-3">
          {data.map((key) => (
            <li key={key.id} className="flex flex-wrap items-center justify-between gap-2">
              <span>
                <span className="font-medium">{key.name}</span> <code>{key.prefix}…</code>
                <span className="block text-sm">
                  {key.revoked_at !== null
                    ? `Revoked ${formatTime(key.revoked_at)}`
                    : key.last_used_at === null
                      ? 'Never used'
                      : `Last used ${formatTime(key.last_used_at)}`}
                </span>
              </span>
              {key.revoked_at === null && (
                <Confirm button="Revoke" title={`Revoke ${key.name}?`} onConfirm={() => revoke(key.id)}>
                  Programs that use it will be refused at once.
                </Confirm>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
