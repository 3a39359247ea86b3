/** The variables that a muse's `.env.local` has in any case, with what stands there until somebody knows better. Data only. */

export const neededVariables: readonly { name: string; placeholder: string; comment: string }[] = [
  { name: 'NEXT_PUBLIC_SUPABASE_URL', placeholder: 'http://127.0.0.1:54321', comment: 'Supabase: Project Settings > API' },
  { name: 'NEXT_PUBLIC_SUPABASE_ANON_KEY', placeholder: 'your-anon-key', comment: 'Supabase: the public key' },
  { name: 'SUPABASE_SERVICE_ROLE_KEY', placeholder: 'your-service-role-key', comment: 'Supabase: the secret key; never in a browser' },
  {
    name: 'DATABASE_URL',
    placeholder: 'postgresql://postgres:postgres@127.0.0.1:54322/postgres',
    comment: 'PostgreSQL: the password percent-encoded',
  },
  { name: 'STRIPE_SECRET_KEY', placeholder: 'sk_test_xxx', comment: 'Stripe: Developers > API keys' },
  { name: 'NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY', placeholder: 'pk_test_xxx', comment: 'Stripe: Developers > API keys' },
  { name: 'STRIPE_WEBHOOK_SECRET', placeholder: 'whsec_xxx', comment: 'Stripe: Developers > Webhooks' },
  { name: 'RESEND_API_KEY', placeholder: 're_xxx', comment: 'Resend: API keys' },
  { name: 'RESEND_FROM_EMAIL', placeholder: 'noreply@example.com', comment: 'Resend: the address that mail comes from' },
  { name: 'NEXT_PUBLIC_APP_URL', placeholder: 'http://localhost:3000', comment: 'Where the app runs' },
  { name: 'SESSION_SECRET', placeholder: 'change-me', comment: 'Any long random text' },
];
