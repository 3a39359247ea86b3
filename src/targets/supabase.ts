import { certificateOf } from './certificate.ts';
import { refOf } from './project-ref.ts';
import { certificateSetting, type Target } from './target.ts';

/** A Supabase project, created and configured through the Management API. */
export const target: Target = {
  title: 'Supabase',
  about: 'a new project, created through the Management API',
  settings: {
    ref: {
      about: 'The ref of the Supabase project.',
      pattern: /^[a-z]{20}$/,
      shape: 'a project ref: 20 letters a-z, as in the address of the project in the dashboard',
    },
    region: { about: 'The region of the Supabase project, e.g. eu-central-1.' },
    organization: { about: 'The slug of the Supabase organization that the project belongs to.' },
    databaseCa: certificateSetting,
  },
  secrets: ['SUPABASE_DB_PASSWORD'],
  local: false,
  provisioned: true,
  needsUrl: false,
  publicApi: true,
  async open(place, { caFile, cloud, mustProve = false, signal, onNote } = {}) {
    const { directory, name, entry, environment } = place;
    const [{ openCloud, passwordOfProject }, { connectProject }] = await Promise.all([
      import('./cloud.ts'),
      import('../supabase/connect.ts'),
    ]);
    const connected = await connectProject({
      ...(await (cloud?.() ?? openCloud(environment, signal))),
      ref: refOf(entry),
      password: await passwordOfProject(directory, name, environment),
      ...certificateOf(place, caFile),
      mustProve,
      signal,
      ...(onNote === undefined ? {} : { onNote }),
    });
    return { database: connected.database, connected };
  },
  exists: () => Promise.resolve(true),
  // Every project has it from the start.
  preparePlatform: () => Promise.resolve(() => Promise.resolve()),
  async health({ entry, environment }, { signal } = {}) {
    if (entry.ref === undefined) return undefined;
    const [{ openCloud }, { projectStatus }] = await Promise.all([import('./cloud.ts'), import('../supabase/wait.ts')]);
    const { status, services } = await projectStatus((await openCloud(environment, signal)).http, entry.ref);
    return { status, services };
  },
};
