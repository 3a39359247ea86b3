/** Databases with what Supabase has, on a server of the tests. */
import { installPlatform } from '../../src/database/platform/install.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { type Native, sharedVariable, startNative } from './native.ts';

/** The databases that others are copies of: one on the server that all files share, and one on each that is a file's own. */
let shared: Promise<string> | undefined;
const own = new WeakMap<Native, Promise<string>>();

/** Creates a database with the baseline installed, as a copy of one, and returns the superuser's URL for it. */
export async function platformDatabase(native: Native, name: string): Promise<string> {
  return native.createDatabase(name, await originalOn(native));
}

function originalOn(native: Native): Promise<string> {
  // Through a handle that nobody stops, so that it stays for the next file of this worker.
  if (native.url() === process.env[sharedVariable]) return (shared ??= startNative().then(makeOriginal));
  const original = own.get(native) ?? makeOriginal(native);
  own.set(native, original);
  return original;
}

async function makeOriginal(native: Native): Promise<string> {
  const url = await native.createDatabase('platform');
  const database = await openPostgres({ url });
  await installPlatform(database).finally(() => database.close());
  return url;
}
