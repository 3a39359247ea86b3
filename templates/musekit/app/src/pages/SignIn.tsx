import { useForm } from 'react-hook-form';
import { Link, useLocation } from 'react-router';
import { Input } from '../components/Labeled';
import { Problem } from '../components/Notice';
import { VisitorPage } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { withNext } from '../lib/links';
import { supabase } from '../lib/supabase';

export function SignIn() {
  const { pathname, search } = useLocation();
  const { register, handleSubmit } = useForm<{ email: string; password: string }>();
  const signIn = useAction(async (values: { email: string; password: string }) => {
    const { error } = await supabase.auth.signInWithPassword(values);
    if (error) throw error;
  });
  return (
    <VisitorPage title="Sign in">
      <form className="flex flex-col gap-4" onSubmit={handleSubmit(signIn.run)}>
        <Input label="Email" type="email" autoComplete="email" required {...register('email')} />
        <Input label="Password" type="password" autoComplete="current-password" required {...register('password')} />
        <Problem error={signIn.error} />
        <SubmitButton busy={signIn.busy}>Sign in</SubmitButton>
      </form>
      <ul className="flex flex-col gap-2 text-sm">
        <li>
          <Link className="link" to={withNext('/sign-up', pathname + search)}>
            Create an account
          </Link>
        </li>
        <li>
          <Link className="link" to="/magic-link">
            Sign in by a link in an email
          </Link>
        </li>
        <li>
          <Link className="link" to="/forgot-password">
            Forgot the password?
          </Link>
        </li>
      </ul>
    </VisitorPage>
  );
}
