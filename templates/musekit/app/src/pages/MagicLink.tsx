import { EmailLink } from '../components/EmailLink';
import { pageUrl } from '../lib/links';
import { supabase } from '../lib/supabase';

export function MagicLink() {
  return (
    <EmailLink
      title="Sign in by a link"
      button="Send the link"
      send={(email) =>
        supabase.auth.signInWithOtp({ email, options: { shouldCreateUser: false, emailRedirectTo: pageUrl('/') } })
      }
    />
  );
}
