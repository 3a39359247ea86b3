import { useForm } from 'react-hook-form';
import { Link } from 'react-router';
import { useAction } from '../lib/action';
import { Input } from './Labeled';
import { Done, Problem } from './Notice';
import { VisitorPage } from './Page';
import { SubmitButton } from './SubmitButton';

/** A page that sends a link to an address. It does not tell whether the address has an account. */
export function EmailLink({
  title,
  button,
  send,
}: {
  title: string;
  button: string;
  send(email: string): Promise<{ error: { code?: string | undefined } | null }>;
}) {
  const { register, handleSubmit } = useForm<{ email: string }>();
  const action = useAction(async ({ email }: { email: string }) => {
    const { error } = await send(email);
    if (error && error.code !== 'otp_disabled' && error.code !== 'user_not_found') throw error;
  });
  return (
    <VisitorPage title={title}>
      <form className="flex flex-col gap-4" onSubmit={handleSubmit(action.run)}>
        <Input label="Email" type="email" autoComplete="email" required {...register('email')} />
        <Problem error={action.error} />
        {action.done && <Done>If there is an account with this address, a link is on its way.</Done>}
        <SubmitButton busy={action.busy}>{button}</SubmitButton>
      </form>
      <p className="text-sm">
        <Link className="link" to="/">
          Back to sign in
        </Link>
      </p>
    </VisitorPage>
  );
}
