import { loadPreset } from '../../scaffold/presets.ts';
import { readKeys } from '../../supabase/keys.ts';
import { proveProject } from '../../supabase/prove.ts';
import { refOf } from '../../targets/project-ref.ts';
import { targetOf } from '../../targets/open.ts';
import { type CreateContext, needed } from '../context.ts';
import { refuseErrors } from '../../muse/examine.ts';
import { expectationsOf, factsOf } from '../../muse/declared-schema.ts';
import type { Step } from '../step.ts';

/** Takes the proof through the project's public API: as nobody, as a user, and in the storage. */
export const proveStep: Step<Pick<CreateContext, 'adminPassword' | 'answers' | 'cloud' | 'files' | 'journal' | 'museFile' | 'notes' | 'proven'>> = {
  id: 'prove',
  title: 'Prove it through the public API',
  applies: ({ answers }) => targetOf(answers.target).publicApi,
  async run(context) {
    const { answers, adminPassword, cloud, journal } = context;
    const { http, settings } = await cloud();
    const ref = refOf(journal.data.project);
    const { migrations } = needed(context.files, 'The list of migrations');
    const [{ tables = [], declarations }, { tables: facts }] = await Promise.all([expectationsOf(migrations), factsOf(migrations)]);
    const exposed = tables.filter((table) => table.startsWith('public.'));
    const presets = await Promise.all(needed(context.museFile, 'muse.json').presets.map(loadPreset));
    const buckets = presets.flatMap((preset) =>
      preset.buckets.map((bucket) => ({ id: bucket.id, public: bucket.public, ownerFolder: true, ...(bucket.allowedMimeTypes[0] === undefined ? {} : { mimeType: bucket.allowedMimeTypes[0] }) })),
    );
    const profile = facts['public.profiles'];
    const email = answers.supabase.adminEmail;
    const proof = await proveProject({
      url: settings.projectUrl(ref),
      keys: await readKeys(http, ref),
      clock: http.clock,
      tables: exposed.map((table) => ({
        schema: 'public',
        name: table.slice('public.'.length),
        publicRead: declarations.some((declaration) => declaration.table === table && declaration.scope === 'public-read'),
      })),
      ...(profile === undefined ? {} : { profile: { schema: 'public', name: 'profiles', userColumn: profile.columns['user_id'] === undefined ? 'id' : 'user_id' } }),
      buckets,
      ...(email === undefined || adminPassword === undefined ? {} : { admin: { email, password: adminPassword } }),
    });
    context.notes.push(...proof.notes);
    refuseErrors(proof.findings, 'The project is there and migrated, but it is not closed as it should be.');
    context.proven.push(`${exposed.length} tables refuse who is not signed in, tried through the public API`);
    const who = email === undefined || adminPassword === undefined ? 'a user' : email;
    if (profile !== undefined) context.proven.push(`${who} can sign in, and read and change their own profile`);
    if (buckets.length > 0) context.proven.push(`${buckets.map(({ id }) => id).join(', ')}: files are open to whom they should be, and to nobody else`);
    return `${proof.checks} requests`;
  },
};
