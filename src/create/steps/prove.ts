import { loadPreset } from '../../scaffold/presets.ts';
import { readKeys } from '../../supabase/keys.ts';
import { proveProject } from '../../supabase/prove.ts';
import { readTableAccess } from '../../supabase/table-access.ts';
import { notProvenNote } from '../../verify/report/isolation-json.ts';
import { refOf } from '../../targets/project-ref.ts';
import type { Secret } from '../../supabase/secret.ts';
import type { Placed } from '../context.ts';
import { targetOf } from '../../targets/open.ts';
import { refuseErrors } from '../../muse/examine.ts';
import { expectationsOf, factsOf } from '../../muse/declared-schema.ts';
import type { Step } from '../step.ts';

/** Tests the project's public API as an anonymous visitor, as a signed-in user, and in Storage. */
export const proveStep: Step<Placed & { adminPassword?: Secret | undefined }> = {
  id: 'prove',
  title: 'Test access through the public API',
  applies: ({ target }) => targetOf(target).publicApi,
  async run({ adminPassword, answers, cloud, files: { migrations }, journal, museFile, target }, output) {
    const { http, settings } = await cloud();
    const ref = refOf(journal.data.project);
    const [{ tables = [], declarations }, { tables: facts }, access] = await Promise.all([
      expectationsOf(migrations),
      factsOf(migrations),
      readTableAccess(await target()),
    ]);
    const exposed = tables.filter((table) => table.startsWith('public.'));
    const presets = await Promise.all(museFile.presets.map(loadPreset));
    const buckets = presets.flatMap((preset) =>
      preset.buckets.map((bucket) => ({
        id: bucket.id,
        public: bucket.public,
        ownerFolder: true,
        ...(bucket.allowedMimeTypes[0] === undefined ? {} : { mimeType: bucket.allowedMimeTypes[0] }),
      })),
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
        publicRead: declarations.some(
          (declaration) => declaration.table === table && declaration.scope === 'public-read',
        ),
        access: access.get(table),
      })),
      ...(profile === undefined
        ? {}
        : {
            profile: {
              schema: 'public',
              name: 'profiles',
              userColumn: profile.columns['user_id'] === undefined ? 'id' : 'user_id',
              userMay: access.get('public.profiles')?.userMay ?? { select: true, update: true },
            },
          }),
      buckets,
      ...(email === undefined || adminPassword === undefined ? {} : { admin: { email, password: adminPassword } }),
    });
    output.notes.push(...proof.notes);
    refuseErrors(proof.findings, 'The project is created and migrated, but it allows access that it should refuse.');
    output.findings.push(...proof.findings);
    const open = new Set(proof.findings.map(({ object }) => object));
    const closed = exposed.filter((table) => !open.has(table)).length;
    output.proven.push(
      `${closed} tables refuse anonymous visitors, tested through the public API${open.size === 0 ? '' : `; ${open.size} not proven`}`,
    );
    const note = notProvenNote(proof.findings);
    if (note !== undefined) output.notes.push(note);
    const who = email === undefined || adminPassword === undefined ? 'a user' : email;
    const own = proof.profile.length === 0 ? '' : `, and ${proof.profile.join(' and ')} their own profile`;
    output.proven.push(`${who} can sign in${own}`);
    if (buckets.length > 0)
      output.proven.push(`${buckets.map(({ id }) => id).join(', ')}: only the intended users can reach the files`);
    output.summary = `${proof.checks} requests`;
  },
};
