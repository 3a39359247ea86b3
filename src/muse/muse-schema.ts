import { exactOptional, type GenericSchema } from 'valibot';
import { ruleNames } from '../rules/names.ts';
import { prefixProblem } from '../scaffold/names.ts';
import { migrationOrders, type MuseFile } from '../shared/muse-file.ts';
import {
  checked,
  described,
  exactly,
  list,
  matching,
  name,
  object,
  oneOf,
  type SchemaProblem,
  text,
} from '../shared/schema.ts';
import type { Setting } from '../targets/target.ts';
import { targetKinds } from '../targets/kinds.ts';
import { targets } from '../targets/targets.ts';

const folders = list(name('a folder'), 'a list of folders');

const prefix = checked(text(), (value) => {
  const problem = prefixProblem(value);
  if (problem === undefined) return [];
  const suggestion = problem.nearest === undefined ? 'Write "" for none.' : `Did you mean "${problem.nearest}"?`;
  return [{ path: [], message: problem.message, suggestion }];
});

const session = object({
  role: described(
    name('a role'),
    'The role that the app works as. It owns nothing, so row-level security applies to it.',
  ),
  superadminRole: described(name('a role'), 'The role for work across tenants.'),
  organization: described(
    name('the name of a variable'),
    'The session variable that holds the id of the organization.',
  ),
  user: described(name('the name of a variable'), 'The session variable that holds the id of the user.'),
  superadmin: exactOptional(
    described(
      name('the name of a variable'),
      'The policies of the kit open every row where this session variable is true.',
    ),
  ),
});

/** The settings of every target, by key. */
const settings: Readonly<Record<string, Setting>> = Object.assign(
  {},
  ...targetKinds.map((kind) => targets[kind].settings),
);

const optionsOf = ({ about, pattern, shape = 'text' }: Setting) =>
  exactOptional(described(pattern === undefined ? name(shape) : matching(pattern, shape), about));

const environment = checked(
  object({
    target: described(oneOf(targetKinds), 'Where the database is.'),
    ...Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, optionsOf(setting)])),
  }),
  ({ target, ...given }) =>
    Object.keys(given)
      .filter((key) => !Object.hasOwn(targets[target].settings, key))
      .map((key) => foreignSetting(target, key)),
);

function foreignSetting(target: keyof typeof targets, key: string): SchemaProblem {
  const own = Object.keys(targets[target].settings);
  const others = targetKinds.filter((kind) => Object.hasOwn(targets[kind].settings, key));
  return {
    path: [key],
    message: `${key} is a setting of the target ${others.join(' or ')}, not of ${target}`,
    suggestion: own.length === 0 ? 'Leave it out.' : `Leave it out. Known here: ${own.join(', ')}.`,
  };
}

const severity = oneOf(['error', 'warning', 'off']);

/**
 * What `muse.json` may contain. `scripts/muse-schema.js` generates the package's JSON Schema from it.
 */
export const museSchema = object({
  $schema: exactOptional(described(text(), 'The JSON Schema that editors complete and check this file with.')),
  version: described(
    exactly(1, 'Use the version of create-muse that wrote this file, or a later one.'),
    'Version of the format of this file.',
  ),
  name: described(name('a name'), 'Name of the product.'),
  kit: object({
    source: described(name(), 'Where the kit came from: builtin, a URL, owner/repo or a path.'),
    ref: exactOptional(described(name(), 'The branch, tag or commit that was asked for.')),
    commit: described(name(), 'The commit of the kit that this product started from.'),
    base: exactOptional(
      described(
        name('a commit'),
        'The commit "Take the kit" of the repository of this product: the kit as it was taken, which upgrades merge from.',
      ),
    ),
    tool: exactOptional(described(name('a version'), 'The version of create-muse that took the kit.')),
    layout: described(name(), 'How the kit arranges its migrations.'),
  }),
  migrations: object({
    core: described(folders, 'Folders with the migrations of the kit.'),
    extensions: described(folders, 'Folders with the migrations of the product.'),
    rollback: described(name('a folder'), 'Folder with the rollback files.'),
    archive: described(name('a folder'), "Folder with the kit's own extensions, which are not run."),
    order: described(
      oneOf(migrationOrders),
      'How the files are named and ordered, by the tool they are written for; docs/kits.md lists the forms.',
    ),
  }),
  isolation: described(
    oneOf(['auth-uid', 'session']),
    "How tenants are isolated: by Supabase's auth.uid(), or by variables that the app's own connection sets.",
  ),
  session: exactOptional(session),
  prefix: described(prefix, 'Prefix of the names of tables, with its underscore, e.g. kv_; empty for none.'),
  presets: described(list(name('the id of a preset')), 'The presets that the product was made with.'),
  without: exactOptional(
    described(list(name('the id of a module')), 'The modules of the built-in kit that were left out.'),
  ),
  environments: described(
    object({
      development: exactOptional(environment),
      staging: exactOptional(environment),
      production: exactOptional(environment),
    }),
    'The databases of the product.',
  ),
  prune: exactOptional(described(list(name('a path')), 'More paths to leave out of the kit than the built-in list.')),
  rules: exactOptional(
    described(
      object(Object.fromEntries(ruleNames.map((rule) => [rule, exactOptional(severity)]))),
      'Severities of rules that differ from their own; off silences a warning.',
    ),
  ),
}) satisfies GenericSchema<unknown, MuseFile>;
