import { useForm } from 'react-hook-form';
import { Confirm } from '../components/Confirm';
import { Input } from '../components/Labeled';
import { Done, Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { manages, useOrganization, useOrganizations } from '../lib/organization';
import { supabase } from '../lib/supabase';

export default function OrganizationPage() {
  const { id, name, slug, role } = useOrganization();
  const { refresh } = useOrganizations();
  const { register, handleSubmit } = useForm({ defaultValues: { name, slug } });
  const save = useAction(async (values: { name: string; slug: string }) => {
    const { error } = await supabase.from('organizations').update(values).eq('id', id);
    if (error) throw error;
    await refresh();
  });
  const close = async () => {
    const { error } = await supabase.rpc('delete_organization', { organization: id });
    if (error) throw error;
    await refresh();
  };
  const mayChange = manages(role);
  return (
    <Page title="Settings">
      <form className="flex max-w-md flex-col gap-4" onSubmit={handleSubmit(save.run)}>
        <Input label="Name" required maxLength={200} readOnly={!mayChange} {...register('name')} />
        <Input
          label="Short name"
          required
          maxLength={100}
          pattern="[a-z0-9]+(-[a-z0-9]+)*"
          readOnly={!mayChange}
          hint="Small letters, digits and hyphens, for links."
          {...register('slug')}
        />
        <Problem error={save.error} />
        {save.done && <Done>Saved.</Done>}
        {mayChange ? (
          <div>
            <SubmitButton busy={save.busy}>Save</SubmitButton>
          </div>
        ) : (
          <p>Owners and admins can change these.</p>
        )}
      </form>
      {role === 'owner' && (
        <section className="mt-10">
          <h2 className="mb-2 text-xl font-semibold">Close the organization</h2>
          <p className="mb-4">Nobody sees what belongs to it after that.</p>
          <Confirm button="Close it" title={`Close ${name}?`} className="btn btn-error" onConfirm={close}>
            All members lose access to everything that belongs to it.
          </Confirm>
        </section>
      )}
    </Page>
  );
}
