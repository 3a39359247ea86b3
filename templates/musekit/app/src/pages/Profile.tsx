import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useForm } from 'react-hook-form';
import { Confirm } from '../components/Confirm';
import { Input } from '../components/Labeled';
import { Done, Loading, Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { saveJson } from '../lib/download';
import { useUser } from '../lib/session';
import { forgetSession, supabase } from '../lib/supabase';

export default function Profile() {
  const user = useUser();
  const { data, error, isPending } = useQuery({
    queryKey: ['profile', user.id],
    queryFn: async () => {
      const { data, error } = await supabase.from('profiles').select('full_name, timezone').eq('id', user.id).single();
      if (error) throw error;
      return data;
    },
  });
  return (
    <Page title="Profile">
      {isPending ? <Loading /> : error ? <Problem error={error} /> : <Form {...data} />}
      <h2 className="mt-10 mb-4 text-xl font-semibold">Password</h2>
      <Password />
      <h2 className="mt-10 mb-4 text-xl font-semibold">Your data</h2>
      <OwnData />
      <h2 className="mt-10 mb-4 text-xl font-semibold">Delete your account</h2>
      <p className="mb-4">
        Everything that is yours alone is deleted with it, and cannot be restored. Download your data first if you want to keep it.
      </p>
      <Confirm
        button="Delete my account"
        title="Delete your account?"
        className="btn btn-error"
        onConfirm={async () => {
          const { error } = await supabase.rpc('delete_account');
          if (error) throw error;
          forgetSession();
        }}
      >
        Your account and everything that is yours alone are deleted. This cannot be undone.
      </Confirm>
    </Page>
  );
}

function Form({ full_name, timezone }: { full_name: string | null; timezone: string }) {
  const user = useUser();
  const queries = useQueryClient();
  const { register, handleSubmit } = useForm({ defaultValues: { full_name: full_name ?? '', timezone } });
  const save = useAction(async (values: { full_name: string; timezone: string }) => {
    const { error } = await supabase.from('profiles').update(values).eq('id', user.id);
    if (error) throw error;
    await Promise.all(['profile', 'people'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
  });
  return (
    <form className="flex max-w-md flex-col gap-4" onSubmit={handleSubmit(save.run)}>
      <Input label="Email" type="email" value={user.email ?? ''} readOnly />
      <Input label="Name" autoComplete="name" required maxLength={200} {...register('full_name')} />
      <Input label="Time zone" list="time-zones" required {...register('timezone')} />
      <datalist id="time-zones">
        {['UTC', ...Intl.supportedValuesOf('timeZone')].map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <Problem error={save.error} />
      {save.done && <Done>Saved.</Done>}
      <div>
        <SubmitButton busy={save.busy}>Save</SubmitButton>
      </div>
    </form>
  );
}

function Password() {
  const { register, handleSubmit, reset } = useForm<{ password: string }>();
  const change = useAction(async ({ password }: { password: string }) => {
    const { error } = await supabase.auth.updateUser({ password });
    if (error) throw error;
    reset();
  });
  return (
    <form className="flex max-w-md flex-col gap-4" onSubmit={handleSubmit(change.run)}>
      <Input
        label="New password"
        type="password"
        autoComplete="new-password"
        required
        minLength={10}
        hint="At least 10 characters."
        {...register('password')}
      />
      <Problem error={change.error} />
      {change.done && <Done>The password is changed.</Done>}
      <div>
        <SubmitButton busy={change.busy}>Change the password</SubmitButton>
      </div>
    </form>
  );
}

function OwnData() {
  const download = useAction(async () => {
    const { data, error } = await supabase.rpc('export_own_data');
    if (error) throw error;
    saveJson('my-data.json', data);
  });
  return (
    <>
      <p className="mb-4">Everything that is stored about you and that you can see, as a JSON file.</p>
      <Problem error={download.error} />
      <button type="button" className="btn" disabled={download.busy} onClick={() => void download.run()}>
        Download my data
      </button>
    </>
  );
}
