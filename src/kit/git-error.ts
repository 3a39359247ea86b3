/** What git says on failing, told as an error with a way on. */
import { MuseError } from '../shared/error.ts';

interface Case {
  /** Matches git's words (with LC_ALL=C). */
  says: RegExp;
  code: string;
  message: (subject: string) => string;
  suggestion: string;
}

const signIn =
  'Sign in first: for GitHub set GITHUB_TOKEN (or run `gh auth login && gh auth setup-git`), or use the ssh address with a key in your agent.';

const cases: readonly Case[] = [
  {
    says: /could not read (Username|Password)|Authentication failed|terminal prompts disabled|HTTP code = 40[13]|error: 40[13]/i,
    code: 'kit-private',
    message: (subject) => `${subject} is private, or is not there: the server wants a sign-in.`,
    suggestion: `Check the address. ${signIn}`,
  },
  {
    says: /Permission denied \(publickey|Host key verification failed|no matching host key/i,
    code: 'kit-private',
    message: (subject) => `${subject} refused the ssh sign-in.`,
    suggestion: 'Run `ssh -T git@github.com` (or your host) once by hand: it says which key or host is missing. Or use the https address.',
  },
  {
    says: /repository '.*' not found|Repository not found|does not appear to be a git repository|error: 404/i,
    code: 'kit-not-found',
    message: (subject) => `There is no repository at ${subject}, or it is private.`,
    suggestion: `Check the address. ${signIn}`,
  },
  {
    says: /dubious ownership/i,
    code: 'kit-owned-by-another',
    message: (subject) => `${subject} belongs to another user of this machine, so git does not read it.`,
    suggestion: 'If you trust it: git config --global --add safe.directory <path>, then run this again.',
  },
  {
    says: /transport '.*' not allowed/i,
    code: 'bad-kit-source',
    message: (subject) => `${subject} asks for a transport other than https, ssh or file.`,
    suggestion: 'Use an https or ssh address, or a path.',
  },
  {
    says: /Could not resolve host|unable to access|Connection (refused|timed out|reset)|Network is unreachable|Operation too slow|early EOF|unexpected disconnect|Could not read from remote/i,
    code: 'kit-unreachable',
    message: (subject) => `${subject} cannot be reached.`,
    suggestion: 'Check the network and the address; a kit that is already on this machine can be given as a path.',
  },
  {
    says: /No space left on device|Disk quota exceeded/i,
    code: 'disk-full',
    message: (subject) => `The disk is full, so ${subject} could not be written.`,
    suggestion: 'Make room, then run this again.',
  },
  {
    says: /unknown (option|switch)/i,
    code: 'git-missing',
    message: () => 'This git is too old for what create-muse asks of it.',
    suggestion: 'Install git 2.30 or newer from https://git-scm.com/downloads, and run this again.',
  },
];

/**
 * The error for a failed run of git.
 * @param subject what git worked on, for people: a URL without credentials, or a path
 * @param stderr what git printed
 */
export function gitError(subject: string, verb: string, stderr: string): MuseError {
  const detail = stderr.trim().split('\n').slice(-12).join('\n');
  const known = cases.find((entry) => entry.says.test(stderr));
  return new MuseError({
    code: known?.code ?? 'git-failed',
    message: known?.message(subject) ?? `git ${verb} failed on ${subject}.`,
    detail,
    suggestion: known?.suggestion ?? 'What git printed is above; mend that, then run this again.',
  });
}
