import { createClient } from '@supabase/supabase-js';
import type { Database } from '../database.types';

const { VITE_SUPABASE_URL: url, VITE_SUPABASE_PUBLISHABLE_KEY: key } = import.meta.env;
if (!url || !key)
  throw new Error(
    'VITE_SUPABASE_URL and VITE_SUPABASE_PUBLISHABLE_KEY are missing in .env.local. npm run dev fills them in.',
  );

/** The database, typed by `muse types`. */
export const supabase = createClient<Database>(url, key);
