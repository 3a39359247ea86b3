import { MuseError } from '../../shared/error.ts';
import type { EnvironmentName } from '../../shared/muse-file.ts';
import { targetKinds, type TargetKind } from '../../targets/kinds.ts';
import type { MuseCommand } from '../muse-command.ts';
import { type MuseContext, museFields } from '../muse-context.ts';
import type { CommandResult } from '../run.ts';

const names: readonly EnvironmentName[] = ['development', 'staging', 'production'];

/** `muse env`: the environments of a muse; `muse env add <name>` adds one. */
export const command: MuseCommand = {
  section: 'Project',
  about: 'list the environments, or add one',
  usage: ['', 'add <staging|production> [--target <t>]'],
  takesWords: true,
  flags: [
    {
      name: 'target',
      type: 'string',
      value: '<t>',
      choices: targetKinds,
      about: 'with add: where its database is (default: postgres)',
      group: 'Command',
    },
  ],
  async run(context) {
    const [action = 'list', name, ...more] = context.typed.positionals;
    if (action === 'list' && name === undefined) return listed(context);
    const { nearest } = await import('../../shared/nearest.ts');
    if (action !== 'add') {
      const near = nearest(action, ['add', 'list']);
      throw badCall(`muse env has no "${action}".`, `${near === undefined ? '' : `Did you mean muse env ${near}? `}`);
    }
    const known = names.find((each) => each === name);
    if (known === undefined || more.length > 0) {
      const near = name === undefined ? undefined : nearest(name, names);
      throw badCall(
        name === undefined
          ? 'The name of the environment is missing.'
          : more.length > 0
            ? 'muse env add takes one name.'
            : `An environment is ${names.join(', ')}, not "${name}".`,
        near === undefined || more.length > 0 ? '' : `Did you mean muse env add ${near}? `,
      );
    }
    return added(known, context);
  },
};

async function listed(context: MuseContext): Promise<CommandResult> {
  const { listEnvironments } = await import('../../muse/environment-list.ts');
  const muse = await context.openMuse();
  const environments = await listEnvironments(muse);
  const { paint } = context.output;
  const lines = environments.map(
    ({ name, target, secrets, hasSecrets }) =>
      `${paint('bold', name)} (${target}) ${paint('gray', hasSecrets ? secrets : `no ${secrets}`)}`,
  );
  return {
    json: { ...museFields(muse), environments },
    text: [...lines, '', 'Add one: muse env add staging'].join('\n'),
  };
}

async function added(name: EnvironmentName, context: MuseContext): Promise<CommandResult> {
  const { addEnvironment, defaultEnvironmentTarget } = await import('../../muse/environment-list.ts');
  const muse = await context.openMuse();
  const target = (context.typed.text('target') as TargetKind | undefined) ?? defaultEnvironmentTarget(name);
  const result = await addEnvironment(muse, name, target);
  const { paint } = context.output;
  const fill = result.empty.length === 0 ? '' : `set ${result.empty.join(' and ')} in ${result.files.at(-1)}, then `;
  return {
    json: { ...museFields(muse), environment: result },
    text: [...result.files.map((file) => `${paint('green', '✓')} ${file}`), '', `Next: ${fill}${result.next}`].join(
      '\n',
    ),
  };
}

function badCall(message: string, hint: string): MuseError {
  return new MuseError({
    code: 'bad-call',
    message,
    suggestion: `${hint}For example: muse env add staging`,
  });
}
