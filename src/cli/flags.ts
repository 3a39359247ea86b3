/**
 * cli/: flags, prompts, output and exit codes; decides nothing.
 * May touch: argv, the terminal and the exit code. Everything else is a call to the modules below.
 */

/** One flag, as data: parsing, help, docs/cli.md and the nearest-flag hint all come from it. */
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

/** The flags of both programs that decide what is printed. */
export const outputFlags: readonly Flag[] = [
  {
    name: 'json',
    type: 'boolean',
    about: 'print one JSON object on stdout, progress on stderr; never ask',
    group: 'Output',
  },
  { name: 'verbose', type: 'boolean', about: 'show details, and the stack of an unexpected error', group: 'Output' },
  { name: 'quiet', type: 'boolean', about: 'show only errors', group: 'Output' },
  { name: 'help', type: 'boolean', short: 'h', about: 'show this help', group: 'Output' },
  { name: 'version', type: 'boolean', short: 'v', about: 'show the version', group: 'Output' },
];

/** The flags that every command of `muse` has; they go before or after the command. */
export const museFlags: readonly Flag[] = [
  {
    name: 'env',
    type: 'string',
    value: '<name>',
    choices: ['development', 'staging', 'production'],
    about: 'environment in muse.json (default: development)',
    group: 'Global',
  },
  {
    name: 'dir',
    type: 'string',
    value: '<path>',
    about: "the muse's directory (default: this one or the nearest parent)",
    group: 'Global',
  },
  { name: 'yes', type: 'boolean', short: 'y', about: 'never ask', group: 'Global' },
  ...outputFlags,
];

/** How `create-muse` and `muse provision` set up a Supabase project. */
export const supabaseFlags: readonly Flag[] = [
  { name: 'org', type: 'string', value: '<slug>', about: 'Supabase organization', group: 'Supabase' },
  {
    name: 'region',
    type: 'string',
    value: '<code>',
    about: 'region, e.g. eu-central-1, or a group: americas, emea, apac',
    group: 'Supabase',
  },
  { name: 'size', type: 'string', value: '<size>', about: 'instance size, e.g. micro', group: 'Supabase' },
  { name: 'site-url', type: 'string', value: '<url>', about: "the URL of the product's website", group: 'Supabase' },
  {
    name: 'admin-email',
    type: 'string',
    value: '<email>',
    about: 'email address of the first admin',
    group: 'Supabase',
  },
  {
    name: 'project-ref',
    type: 'string',
    value: '<ref>',
    about: 'use an existing project instead of creating one',
    group: 'Supabase',
  },
  {
    name: 'wait-timeout',
    type: 'string',
    value: '<seconds>',
    about: 'how long to wait for the project to be ready (default: 600)',
    group: 'Supabase',
  },
  {
    name: 'db-ca',
    type: 'string',
    value: '<file>',
    about: "CA certificate to verify the database server's identity with",
    group: 'Supabase',
  },
];

/** Continues a run of the pipeline, or starts one. */
export const resumeFlag: Flag = {
  name: 'resume',
  type: 'boolean',
  about: 'continue a run that stopped; start one where there is none',
  group: 'Run',
};

/** Agrees to a guarded command in advance. */
export const confirmFlag: Flag = {
  name: 'confirm',
  type: 'string',
  value: '<name>',
  about: "the environment's name, instead of typing it when asked",
  group: 'Command',
};

/** The longest time limit, in seconds: PostgreSQL counts milliseconds in a signed number of four bytes. */
export const longestTimeout = 2_147_483;

/** Limits how long one statement may run. */
export const statementTimeoutFlag: Flag = {
  name: 'statement-timeout',
  type: 'string',
  value: '<seconds>',
  about: 'longest run of a statement (production: 600, rehearsal: 30)',
  group: 'Command',
};

/** Time limits of a run of SQL files. */
export const limitFlags: readonly Flag[] = [
  {
    name: 'lock-timeout',
    type: 'string',
    value: '<seconds>',
    about: 'longest wait for a lock (production: 5)',
    group: 'Command',
  },
  statementTimeoutFlag,
];

/** Says whether a boolean flag is among the arguments, before any `--`: known before the rest of the line is read. */
export function isAmong(argv: readonly string[], name: string, short?: string): boolean {
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  return flags.includes(`--${name}`) || (short !== undefined && flags.includes(`-${short}`));
}
