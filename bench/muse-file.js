/**
 * The text of a muse.json for measurements: a kit with one folder of core migrations.
 * @param {string} name
 * @param {Record<string, object>} environments
 */
export const museFile = (name, environments) =>
  JSON.stringify({
    version: 1,
    name,
    kit: { source: 'builtin', commit: 'bench', layout: 'musekit' },
    migrations: {
      core: ['migrations/core'],
      extensions: [],
      rollback: 'migrations/rollback',
      archive: 'migrations/archive',
      order: 'number',
    },
    isolation: 'auth-uid',
    prefix: '',
    presets: [],
    environments,
  });
