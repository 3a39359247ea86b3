/** What `--kit` and `--ref` mean. Pure: nothing is looked up. */
import { MuseError } from '../shared/error.ts';

/** Where a kit comes from. */
export type KitSource =
  /** The kit that ships with create-muse. */
  | { kind: 'builtin'; text: 'builtin' }
  /** A repository by URL: https, ssh, scp-like or file. Without credentials. */
  | { kind: 'url'; text: string; url: string; ref?: string }
  /** A path of this machine, as the user wrote it: a work tree or a bare repository. */
  | { kind: 'path'; text: string; path: string; ref?: string };

const forms =
  '--kit takes builtin, https://host/owner/repo.git, git@host:owner/repo.git, ssh://…, file://…, owner/repo ' +
  '(GitHub) or a path (./kit); add #ref for a branch, tag or commit.';

function bad(message: string, suggestion: string = forms): MuseError {
  return new MuseError({ code: 'bad-kit-source', message, suggestion });
}

const controlCharacter = /\p{Cc}/u;

/** What a ref must not contain, by git's check-ref-format(1), so that it can only be a name. */
const notInRef = /^$|^-|[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|\.lock$/u;

function checkRef(ref: string): string {
  if (!notInRef.test(ref)) return ref;
  throw bad(
    `"${ref.replace(/\p{Cc}/gu, '?')}" is no branch, tag or commit.`,
    'Write the name as `git branch` or `git tag` shows it, or a commit.',
  );
}

/**
 * Reads `--kit` and `--ref`.
 * @throws MuseError `bad-kit-source` if it has none of the forms, could be read as an option, is not encrypted
 * (`git://`, `http://`), runs a command (`ext::`) or contains a password
 */
export function parseKitSource(text: string, ref?: string): KitSource {
  const trimmed = text.trim();
  if (trimmed === '') throw bad('--kit is empty.');
  if (controlCharacter.test(trimmed)) throw bad('--kit holds a control character (a line end, perhaps).');
  if (trimmed.startsWith('-')) throw bad(`--kit "${trimmed}" looks like an option.`);
  if (trimmed === 'builtin') {
    if (ref !== undefined)
      throw bad(
        '--ref needs a --kit of your own: the built-in kit has one version, that of create-muse.',
        'Omit --ref.',
      );
    return { kind: 'builtin', text: 'builtin' };
  }
  const address = /^(?:git\+)?([a-z][a-z0-9+.-]+):\/\//i.test(trimmed) ? trimmed.replace(/^git\+/i, '') : trimmed;
  const hash = address.lastIndexOf('#');
  const given = ref === undefined ? undefined : checkRef(ref);
  const isPath = !/^[a-z][a-z0-9+.-]+:\/\//i.test(address) && /^[./~\\]|^[a-z]:[\\/]/i.test(address);
  // A path may contain a "#": with --ref it is used as it is.
  const split = hash > 0 && !(isPath && given !== undefined);
  const body = split ? address.slice(0, hash) : address;
  const own = split ? checkRef(address.slice(hash + 1)) : undefined;
  if (own !== undefined && given !== undefined && own !== given) {
    throw bad(`--kit says #${own} and --ref says ${given}.`, 'Give one of them.');
  }
  const pinned = own ?? given;
  const source = readAddress(body);
  return { ...source, ...(pinned === undefined ? {} : { ref: pinned }) };
}

type Address = { kind: 'url'; text: string; url: string } | { kind: 'path'; text: string; path: string };

function readAddress(body: string): Address {
  if (/^[a-z][a-z0-9+.-]*::/i.test(body))
    throw bad(`"${body.split('::')[0]}::" would run a program of the address's choice; that is refused.`);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(body)?.[1]?.toLowerCase();
  if (scheme !== undefined) return readUrl(scheme, body);
  const github = /^(?:github:)?([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/.exec(body);
  if (github !== null && !/^\.+$/.test(github[2]!)) {
    const [, owner, repository] = github;
    return { kind: 'url', text: body, url: `https://github.com/${owner}/${repository!.replace(/\.git$/, '')}.git` };
  }
  // One letter before the colon is a drive of Windows, more is a host: git@github.com:owner/repo.git
  if (/^(?:[\w.-]+@)?[A-Za-z0-9][A-Za-z0-9.-]+:(?![\\/]{2})[^:]+$/.test(body) && !/^[./~\\]/.test(body)) {
    return { kind: 'url', text: body, url: body };
  }
  return { kind: 'path', text: body, path: body };
}

function readUrl(scheme: string, body: string): Address {
  if (scheme === 'git' || scheme === 'http') {
    throw bad(
      `${scheme}:// is not encrypted: anyone on the way can change the kit.`,
      'Use https:// or ssh:// instead.',
    );
  }
  if (scheme !== 'https' && scheme !== 'ssh' && scheme !== 'file')
    throw bad(`create-muse does not speak ${scheme}://.`);
  if (!URL.canParse(body)) throw bad(`The address of --kit cannot be read as a URL.`);
  const url = new URL(body);
  const safe = `${url.protocol}//${url.host}${url.pathname}`;
  if (url.password !== '' || (scheme === 'https' && url.username !== '')) {
    throw bad(
      `The address holds a user name or password (${safe} without it); it would end up in logs and files.`,
      `Use ${safe} and put a token in GITHUB_TOKEN (GitHub), or let git's credential helper keep it.`,
    );
  }
  if (url.search !== '')
    throw bad('The address holds a query ("?…"), which a repository has no use for.', `Use ${safe}.`);
  if (scheme !== 'file' && (url.hostname === '' || url.hostname.startsWith('-')))
    throw bad('The address names no host.');
  if (url.username.startsWith('-')) throw bad('The user of the address looks like an option.');
  return { kind: 'url', text: body, url: body };
}
