import { EmailLink } from '../components/EmailLink';
import { pageUrl } from '../lib/links';
import { supabase } from '../lib/supabase';

export function ForgotPassword() {
  return (
    <EmailLink
      title="Reset your password"
      button="Send the link"
      send={(email) => supabase.auth.resetPasswordForEmail(email, { redirectTo: pageUrl('/') })}
    />
  );
}
