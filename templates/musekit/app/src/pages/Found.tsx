import { useForm } from 'react-hook-form';
import { useNavigate } from 'react-router';
import { Input } from '../components/Labeled';
import { Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { useOrganizations } from '../lib/organization';
import { supabase } from '../lib/supabase';

export default function Found() {
  const { organizations, refresh, switchTo } = useOrganizations();
  const navigate = useNavigate();
  const { register, handleSubmit } = useForm<{ name: string }>();
  const found = useAction(async ({ name }: { name: string }) => {
    const id = crypto.randomUUID();
    const { error } = await supabase.from('organizations').insert({ id, name });
    if (error) throw error;
    switchTo(id);
    await refresh();
    await navigate('/');
  });
  return (
    <Page title="Found an organization">
      {organizations.length === 0 && (
        <p className="mb-4">
          You are in no organization yet. Found one, or open the link of an invitation that you were sent.
        </p>
      )}
      <form className="flex max-w-md flex-col gap-4" onSubmit={handleSubmit(found.run)}>
        <Input label="Name" autoComplete="organization" required maxLength={200} {...register('name')} />
        <Problem error={found.error} />
        <div>
          <SubmitButton busy={found.busy}>Found it</SubmitButton>
        </div>
      </form>
    </Page>
  );
}
