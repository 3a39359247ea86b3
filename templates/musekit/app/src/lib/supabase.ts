import { createClient } from '@supabase/supabase-js';
import type { Database } from '../database.types';
import { productName } from './product';

const { VITE_SUPABASE_URL: url, VITE_SUPABASE_PUBLISHABLE_KEY: key } = import.meta.env;
if (!url || !key)
  throw new Error(
    'VITE_SUPABASE_URL and VITE_SUPABASE_PUBLISHABLE_KEY are missing in .env.local. npm run dev fills them in.',
  );

/** Where the browser keeps the session. Products that are developed on one machine have the same address there. */
const storageKey = `${productName} session`;

/** The database, typed by `muse types`. */
export const supabase = createClient<Database>(url, key, { auth: { storageKey } });

/** Starts again as a visitor, without telling the server: it knows the account no more. */
export function forgetSession(): void {
  localStorage.removeItem(storageKey);
  location.assign(import.meta.env.BASE_URL);
}
