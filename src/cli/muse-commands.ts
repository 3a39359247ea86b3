import { type Flag, supabaseFlags } from './flags.ts';
import { limitFlags } from './limits.ts';
import type { ParsedArguments } from './parse.ts';
import type { CommandContext, CommandResult } from './run.ts';

/** One command of `muse`, as data; its code is loaded when it is run. */
export interface MuseCommand {
  name: string;
  about: string;
  usage: string;
  flags: readonly Flag[];
  load(): Promise<(parsed: ParsedArguments, context: CommandContext) => Promise<CommandResult>>;
}

const group = 'Command';
const table: Flag = { name: 'table', type: 'string', value: '<spec>', multiple: true, about: '"name: column type!, …"; repeatable', group };

const confirm: Flag = { name: 'confirm', type: 'string', value: '<name>', about: "the environment's name, instead of typing it", group };

/** Every command, in the order of help. */
export const commands: readonly MuseCommand[] = [
  {
    name: 'status',
    about: 'what is applied, pending, edited and missing',
    usage: 'status [--env <name>] [--check] [--drift]',
    flags: [
      { name: 'drift', type: 'boolean', about: 'compare the schema with what the files make', group },
      { name: 'check', type: 'boolean', about: 'exit 3 unless everything is applied, unedited and, with --drift, unchanged', group },
    ],
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'new',
    about: 'a new extension migration with its rollback',
    usage: 'new <name> [--table <spec>] [--data-from <t> --to <t> --map <to=from>]',
    flags: [
      table,
      { name: 'data-from', type: 'string', value: '<table>', about: 'copy the rows of this table, in batches, as often as you like', group },
      { name: 'to', type: 'string', value: '<table>', about: 'into this one', group },
      { name: 'map', type: 'string', value: '<to=from>', multiple: true, about: 'column=column; repeatable; same names go along by themselves', group },
    ],
    load: async () => (await import('./commands/new.ts')).newCommand,
  },
  {
    name: 'rehearse',
    about: 'run everything on a throw-away database',
    usage: 'rehearse',
    flags: [],
    load: async () => (await import('./commands/rehearse.ts')).rehearseCommand,
  },
  {
    name: 'migrate',
    about: 'rehearse, then run what is pending',
    usage: 'migrate [--env <name>] [--confirm <name>]',
    flags: [
      { name: 'supabase-baseline', type: 'boolean', about: 'put what Supabase has on a plain server', group },
      { name: 'accept-edited', type: 'boolean', about: 'take edited applied files as they are now', group },
      confirm,
      { name: 'force', type: 'string', value: 'production', choices: ['production'], about: 'go past staging', group },
      ...limitFlags,
    ],
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
  {
    name: 'rollback',
    about: 'take the newest migrations back',
    usage: 'rollback [--steps <n> | --to <number>] [--env <name>]',
    flags: [
      confirm,
      { name: 'steps', type: 'string', value: '<n>', about: 'how many files, newest first (default 1)', group },
      { name: 'to', type: 'string', value: '<number>', about: 'the extension file that stays the newest; 0 takes all back', group },
      ...limitFlags,
    ],
    load: async () => (await import('./commands/rollback.ts')).rollbackCommand,
  },
  {
    name: 'seed',
    about: 'run the files of seeds/, doubling no row',
    usage: 'seed [--env <name> --confirm <name>]',
    flags: [confirm],
    load: async () => (await import('./commands/seed.ts')).seedCommand,
  },
  {
    name: 'reset',
    about: 'development made new: drop, migrate, seed',
    usage: 'reset [--yes]',
    flags: [],
    load: async () => (await import('./commands/reset.ts')).resetCommand,
  },
  {
    name: 'backup',
    about: 'the data in a file that muse restore takes',
    usage: 'backup [--env <name>]',
    flags: [],
    load: async () => (await import('./commands/backup.ts')).backupCommand,
  },
  {
    name: 'restore',
    about: 'bring the data back from a backup',
    usage: 'restore <file> [--env <name> --confirm <name>]',
    flags: [confirm],
    load: async () => (await import('./commands/restore.ts')).restoreCommand,
  },
  {
    name: 'lint',
    about: 'every static rule, without a database; --fix mends',
    usage: 'lint [--format text|json|sarif|github] | lint --fix [--dry-run]',
    flags: [
      { name: 'fix', type: 'boolean', about: 'mend what can be mended, each class of repair a commit', group },
      { name: 'dry-run', type: 'boolean', about: 'with --fix: show the diff, touch nothing', group },
      { name: 'format', type: 'string', value: '<f>', choices: ['text', 'json', 'sarif', 'github'], about: 'text (default), json, sarif, github', group },
    ],
    load: async () => (await import('./commands/lint.ts')).lintCommand,
  },
  {
    name: 'verify',
    about: 'prove, by acting as users, who can do what with whose rows',
    usage: 'verify [--env <name>] [--offline] [--strict] [--format text|json|markdown]',
    flags: [
      { name: 'offline', type: 'boolean', about: 'on a copy of the schema; the database is only read', group },
      { name: 'strict', type: 'boolean', about: 'exit 3 also where anything is not proven', group },
      { name: 'format', type: 'string', value: '<f>', choices: ['text', 'json', 'markdown'], about: 'text (default), json, markdown', group },
    ],
    load: async () => (await import('./commands/verify.ts')).verifyCommand,
  },
  {
    name: 'docs',
    about: 'bring the list of tables in README.md up to date',
    usage: 'docs',
    flags: [],
    load: async () => (await import('./commands/docs.ts')).docsCommand,
  },
  {
    name: 'provision',
    about: 'a Supabase project for this muse',
    usage: 'provision --org <slug> [--env <name>] [flags]',
    flags: [...supabaseFlags, { name: 'resume', type: 'boolean', about: 'go on with a run that stopped', group }],
    load: async () => (await import('./commands/provision.ts')).provisionCommand,
  },
  {
    name: 'destroy',
    about: 'delete the Supabase project; the directory stays',
    usage: 'destroy [--confirm <ref>] [--env <name>]',
    flags: [{ name: 'confirm', type: 'string', value: '<ref>', about: "the project's ref or name, instead of typing it", group }],
    load: async () => (await import('./commands/destroy.ts')).destroyCommand,
  },
];
