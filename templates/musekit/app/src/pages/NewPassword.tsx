import { useForm } from 'react-hook-form';
import { Input } from '../components/Labeled';
import { Problem } from '../components/Notice';
import { VisitorPage } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { useSession } from '../lib/session';
import { supabase } from '../lib/supabase';

/** For someone who came by a link to reset their password. */
export function NewPassword() {
  const { endRecovery } = useSession();
  const { register, handleSubmit } = useForm<{ password: string }>();
  const change = useAction(async ({ password }: { password: string }) => {
    const { error } = await supabase.auth.updateUser({ password });
    if (error) throw error;
    endRecovery();
  });
  return (
    <VisitorPage title="Choose a new password">
      <form className="flex flex-col gap-4" onSubmit={handleSubmit(change.run)}>
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
        <SubmitButton busy={change.busy}>Save the password</SubmitButton>
      </form>
    </VisitorPage>
  );
}
