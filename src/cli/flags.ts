/**
 * cli/: flags, prompts, output, exit codes; decides nothing.
 * May touch: argv, the terminal and the exit code. Everything else it asks of create/ and portfolio/.
 */
import { defaultTarget, targetKinds } from '../targets/kinds.ts';

/** One flag, as data: parsing, help, prompts and the nearest-flag hint all come from it. */
export interface Flag {
  name: string;
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** What stands for the value in help: `<source>`. */
  value?: string;
  /** The only values it takes. */
  choices?: readonly string[];
  about: string;
  /** Heading in help. */
  group: string;
}

const common: readonly Flag[] = [
  { name: 'json', type: 'boolean', about: 'one JSON object on stdout, progress on stderr; asks nothing', group: 'Output' },
  { name: 'verbose', type: 'boolean', about: 'show details, and the stack of an unexpected error', group: 'Output' },
  { name: 'quiet', type: 'boolean', about: 'show only errors and the result', group: 'Output' },
  { name: 'help', type: 'boolean', short: 'h', about: 'show this help', group: 'Output' },
  { name: 'version', type: 'boolean', short: 'v', about: 'show the version', group: 'Output' },
];

/** What Supabase is told, by `create-muse` and by `muse provision`. */
export const supabaseFlags: readonly Flag[] = [
  { name: 'db-ca', type: 'string', value: '<file>', about: "certificate that the server's identity is verified with", group: 'Supabase' },
  { name: 'org', type: 'string', value: '<slug>', about: 'Supabase organization', group: 'Supabase' },
  { name: 'region', type: 'string', value: '<code>', about: 'region, as eu-central-1, or a group: americas, emea, apac', group: 'Supabase' },
  { name: 'size', type: 'string', value: '<size>', about: 'instance size, as micro', group: 'Supabase' },
  { name: 'site-url', type: 'string', value: '<url>', about: 'where the product is served', group: 'Supabase' },
  { name: 'admin-email', type: 'string', value: '<email>', about: 'the first admin user', group: 'Supabase' },
  { name: 'project-ref', type: 'string', value: '<ref>', about: 'adopt an existing project instead of creating one', group: 'Supabase' },
  { name: 'wait-timeout', type: 'string', value: '<seconds>', about: 'how long to wait for it to serve (default 600)', group: 'Supabase' },
];

/** The flags of `create-muse`. */
export const createFlags: readonly Flag[] = [
  { name: 'kit', type: 'string', value: '<source>', about: 'builtin (default), git URL, owner/repo, local path; #ref pins', group: 'Kit' },
  { name: 'ref', type: 'string', value: '<ref>', about: 'branch, tag or commit of the kit', group: 'Kit' },
  { name: 'core', type: 'string', value: '<folder>', multiple: true, about: "the kit's core migrations, where they are not found", group: 'Kit' },
  { name: 'extensions', type: 'string', value: '<folder>', multiple: true, about: "the kit's extension migrations, likewise", group: 'Kit' },
  {
    name: 'kit-extensions',
    type: 'string',
    value: '<keep|archive>',
    choices: ['keep', 'archive'],
    about: "the kit's own extensions: archive (default) or keep",
    group: 'Kit',
  },
  { name: 'fix', type: 'boolean', about: 'repair what the kit has wrong, in the clone', group: 'Kit' },
  { name: 'dir', type: 'string', value: '<path>', about: 'where to create it (default ./<name>)', group: 'Product' },
  { name: 'preset', type: 'string', value: '<id>', multiple: true, about: 'blank, realty, social, deliverables, crm; repeatable', group: 'Product' },
  { name: 'table', type: 'string', value: '<spec>', multiple: true, about: '"name: column type!, …"; repeatable', group: 'Product' },
  { name: 'spec', type: 'string', value: '<file>', about: 'tables as YAML or JSON', group: 'Product' },
  { name: 'prefix', type: 'string', value: '<p>', about: 'table prefix, as kv_', group: 'Product' },
  {
    name: 'tenancy',
    type: 'string',
    value: '<t>',
    choices: ['auth-uid', 'session'],
    about: "how tenants are kept apart: Supabase's auth.uid(), or variables of the app's connection (default: as the kit does)",
    group: 'Product',
  },
  {
    name: 'target',
    type: 'string',
    value: '<t>',
    choices: targetKinds,
    about: targetKinds.map((kind) => (kind === defaultTarget ? `${kind} (default)` : kind)).join(', '),
    group: 'Database',
  },
  { name: 'database-url', type: 'string', value: '<url>', about: 'postgres: where (or DATABASE_URL)', group: 'Database' },
  { name: 'supabase-baseline', type: 'boolean', about: 'postgres: put what Supabase has on a plain server', group: 'Database' },
  ...supabaseFlags,
  { name: 'yes', type: 'boolean', short: 'y', about: 'take the defaults, ask nothing', group: 'Run' },
  { name: 'dry-run', type: 'boolean', about: 'print the plan, touch nothing', group: 'Run' },
  { name: 'resume', type: 'boolean', about: 'go on with a run that stopped', group: 'Run' },
  { name: 'no-git', type: 'boolean', about: 'no repository, no first commit', group: 'Run' },
  { name: 'install', type: 'boolean', about: "install the kit's packages at the end", group: 'Run' },
  ...common,
];

/** The flags that every command of `muse` has. */
export const museFlags: readonly Flag[] = [
  {
    name: 'env',
    type: 'string',
    value: '<name>',
    choices: ['development', 'staging', 'production'],
    about: 'environment of muse.json (default development)',
    group: 'Muse',
  },
  { name: 'dir', type: 'string', value: '<path>', about: "the muse's directory (default: here, or above)", group: 'Muse' },
  { name: 'yes', type: 'boolean', short: 'y', about: 'ask nothing', group: 'Muse' },
  ...common,
];
