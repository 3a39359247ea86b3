import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { Link, useLocation } from 'react-router';
import { Input } from '../components/Labeled';
import { Done, Problem } from '../components/Notice';
import { VisitorPage } from '../components/Page';
import { SubmitButton } from '../components/SubmitButton';
import { useAction } from '../lib/action';
import { nextPath, pageUrl } from '../lib/links';
import { supabase } from '../lib/supabase';

interface Account {
  name: string;
  email: string;
  password: string;
}

export function SignUp() {
  const next = nextPath(useLocation().search);
  const { register, handleSubmit } = useForm<Account>();
  const [mustConfirm, setMustConfirm] = useState(false);
  const signUp = useAction(async ({ name, email, password }: Account) => {
    const { data, error } = await supabase.auth.signUp({
      email,
      password,
      options: { data: { full_name: name }, emailRedirectTo: pageUrl(next) },
    });
    if (error) throw error;
    setMustConfirm(data.session === null);
  });
  if (mustConfirm)
    return (
      <VisitorPage title="Check your email">
        <Done>We sent you a link. Open it to confirm your address.</Done>
      </VisitorPage>
    );
  return (
    <VisitorPage title="Create an account">
      <form className="flex flex-col gap-4" onSubmit={handleSubmit(signUp.run)}>
        <Input label="Name" autoComplete="name" required maxLength={200} {...register('name')} />
        <Input label="Email" type="email" autoComplete="email" required {...register('email')} />
        <Input
          label="Password"
          type="password"
          autoComplete="new-password"
          required
          minLength={10}
          hint="At least 10 characters."
          {...register('password')}
        />
        <Problem error={signUp.error} />
        <SubmitButton busy={signUp.busy}>Create account</SubmitButton>
      </form>
      <p className="text-sm">
        <Link className="link" to={next}>
          Sign in with an account that you have
        </Link>
      </p>
    </VisitorPage>
  );
}
