/** Shell completion, from the same data as parsing and help. */
import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';
import type { Flag } from './flags.ts';

/** The shells that a script can be written for. */
export const shells = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof shells)[number];

/** What completes a word: names of files or folders, or one of a few words; nothing for free text. */
type Completion = 'files' | 'folders' | readonly string[] | undefined;

/** A command as completion sees it. */
export interface CompletedCommand {
  name: string;
  about: string;
  /** Its own ones, besides the program's. */
  flags: readonly Flag[];
  /** What completes the words after it. */
  completes?: 'files' | readonly string[];
}

/** A program as completion sees it. */
export interface CompletedProgram {
  name: string;
  /** The flags that go before a command, after any command, and without one. */
  flags: readonly Flag[];
  commands: readonly CompletedCommand[];
}

/**
 * The script that teaches a shell to complete a program.
 * @param shell as typed
 * @throws MuseError `bad-call` for a shell that is not known, or none
 */
export function completionScript(shell: string | undefined, program: CompletedProgram): string {
  const known = shells.find((one) => one === shell);
  if (known !== undefined) return writers[known](program);
  const near = nearest(shell ?? '', shells);
  throw new MuseError({
    code: 'bad-call',
    message:
      shell === undefined
        ? `The shell is missing. Known: ${shells.join(', ')}.`
        : `There is no completion for "${shell}". Known: ${shells.join(', ')}.`,
    suggestion: `For example: ${program.name} completion ${near ?? 'bash'}`,
  });
}

const writers: Record<Shell, (program: CompletedProgram) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** What completes the value of a flag. */
function completionOf({ choices, value }: Flag): Completion {
  if (choices !== undefined) return choices;
  if (value === '<file>') return 'files';
  return value === '<path>' || value === '<folder>' || value === '<source>' ? 'folders' : undefined;
}

const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The flag's names as they are typed. */
const typed = ({ name, short }: Flag): string[] => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];

const takesValue = ({ type }: Flag): boolean => type === 'string';

/** A place in the command line: no command yet, or after one. */
function places({ flags, commands }: CompletedProgram): { command: string; flags: readonly Flag[] }[] {
  return [
    { command: '', flags },
    ...commands.map(({ name, flags: own }) => ({ command: name, flags: [...own, ...flags] })),
  ];
}

/** A `case` over `command flag`, for each flag with a value; `reply` writes the shell's own answer. */
function valueCases(program: CompletedProgram, reply: (completion: Completion) => string): string[] {
  const lines = (before: string, flags: readonly Flag[]): string[] =>
    flags.filter(takesValue).map((flag) => {
      const patterns = typed(flag).map((name) => `${before}${quote(` ${name}`)}`);
      return `    ${patterns.join('|')}) ${reply(completionOf(flag))}; return ;;`;
    });
  return [...program.commands.flatMap(({ name, flags }) => lines(name, flags)), ...lines('*', program.flags)];
}

/** The part that both shells of the Bourne family share: which command was typed, jumping over the values of flags before it. */
function findCommand({ flags, commands }: CompletedProgram, words: string, first: number, end: string): string[] {
  const valued = flags.filter(takesValue).flatMap(typed).map(quote);
  return [
    `  for ((i = ${first}; i < ${end}; i++)); do`,
    `    case \${${words}[i]} in`,
    ...(valued.length === 0 ? [] : [`      ${valued.join('|')}) ((i++)) ;;`]),
    '      -*) ;;',
    ...(commands.length === 0
      ? []
      : [`      ${commands.map(({ name }) => quote(name)).join('|')}) command=\${${words}[i]}; break ;;`]),
    '    esac',
    '  done',
  ];
}

function functionName({ name }: CompletedProgram): string {
  return `_${name.replaceAll('-', '_')}`;
}

function bashScript(program: CompletedProgram): string {
  const { name, commands } = program;
  const words = (list: readonly string[]): string => `COMPREPLY=($(compgen -W ${quote(list.join(' '))} -- "$cur"))`;
  const reply = (completion: Completion): string => {
    if (completion === undefined) return ':';
    if (completion === 'files') return 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))';
    if (completion === 'folders') return 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))';
    return words(completion);
  };
  const wordCases = [
    { command: '', completion: commands.map((one) => one.name) },
    ...commands.map((one) => ({ command: one.name, completion: one.completes })),
  ].filter(({ completion }) => completion !== undefined && completion.length > 0);
  return [
    `# Completion of ${name} for bash. In ~/.bashrc: source <(${name} completion bash)`,
    `${functionName(program)}() {`,
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' i",
    '  COMPREPLY=()',
    '  # bash makes --flag=value three words.',
    '  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi',
    ...findCommand(program, 'COMP_WORDS', 1, 'COMP_CWORD'),
    '  case "$command $prev" in',
    ...valueCases(program, reply),
    '  esac',
    '  case $cur in -*)',
    '    case $command in',
    ...places(program).map(({ command, flags }) => `      ${quote(command)}) ${words(flags.flatMap(typed))} ;;`),
    '    esac',
    '    return ;;',
    '  esac',
    '  case $command in',
    ...wordCases.map(({ command, completion }) => `    ${quote(command)}) ${reply(completion)} ;;`),
    '    *) ;;',
    '  esac',
    '}',
    `complete -F ${functionName(program)} ${name}`,
  ].join('\n');
}

function zshScript(program: CompletedProgram): string {
  const { name, commands } = program;
  const described = (items: readonly { name: string; about: string }[]): string =>
    items.map((item) => quote(`${item.name.replaceAll(':', String.raw`\:`)}:${item.about}`)).join(' ');
  const reply = (completion: Completion): string => {
    if (completion === undefined) return ':';
    if (completion === 'files') return '_files';
    return completion === 'folders' ? '_files -/' : `compadd -- ${completion.map(quote).join(' ')}`;
  };
  const flagItems = (flags: readonly Flag[]): string =>
    described(flags.flatMap((flag) => typed(flag).map((one) => ({ name: one, about: flag.about }))));
  return [
    `#compdef ${name}`,
    `# Completion of ${name} for zsh. In ~/.zshrc, after compinit: source <(${name} completion zsh)`,
    `${functionName(program)}() {`,
    "  local cur=${words[CURRENT]} prev=${words[CURRENT-1]} command='' i",
    '  local -a items',
    '  if [[ $cur == --*=* ]]; then prev=${cur%%=*}; compset -P 1 "*="; fi',
    ...findCommand(program, 'words', 2, 'CURRENT'),
    '  case "$command $prev" in',
    ...valueCases(program, reply),
    '  esac',
    '  if [[ $cur == -* ]]; then',
    '    case $command in',
    ...places(program).map(({ command, flags }) => `      ${quote(command)}) items=(${flagItems(flags)}) ;;`),
    '    esac',
    "    _describe -o 'flag' items",
    '    return',
    '  fi',
    '  case $command in',
    ...(commands.length === 0 ? [] : [`    '') items=(${described(commands)}); _describe 'command' items ;;`]),
    ...commands.flatMap(({ name: command, completes }) =>
      completes === undefined ? [] : [`    ${quote(command)}) ${reply(completes)} ;;`],
    ),
    '    *) ;;',
    '  esac',
    '}',
    `compdef ${functionName(program)} ${name}`,
  ].join('\n');
}

function fishScript(program: CompletedProgram): string {
  const { name, flags, commands } = program;
  const names = commands.map((command) => command.name).join(' ');
  const fishQuote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
  const after = (command: string): string => `-n ${fishQuote(`__fish_seen_subcommand_from ${command}`)}`;
  const flagLine = (flag: Flag, condition: string): string => {
    const completion = completionOf(flag);
    const value = !takesValue(flag)
      ? ''
      : completion === 'files'
        ? ' -r -F'
        : completion === 'folders'
          ? " -x -a '(__fish_complete_directories)'"
          : ` -x${completion === undefined ? '' : ` -a ${fishQuote(completion.join(' '))}`}`;
    const short = flag.short === undefined ? '' : ` -s ${flag.short}`;
    return `complete -c ${name}${condition === '' ? '' : ` ${condition}`} -l ${flag.name}${short}${value} -d ${fishQuote(flag.about)}`;
  };
  return [
    `# Completion of ${name} for fish: ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
    `complete -c ${name} -f`,
    ...flags.map((flag) => flagLine(flag, '')),
    ...commands.flatMap((command) => [
      `complete -c ${name} -n ${fishQuote(`not __fish_seen_subcommand_from ${names}`)} -a ${command.name} -d ${fishQuote(command.about)}`,
      ...command.flags.map((flag) => flagLine(flag, after(command.name))),
      ...(command.completes === undefined
        ? []
        : [
            command.completes === 'files'
              ? `complete -c ${name} ${after(command.name)} -F`
              : `complete -c ${name} ${after(command.name)} -a ${fishQuote(command.completes.join(' '))}`,
          ]),
    ]),
  ].join('\n');
}
