/**
 * The environment git runs in: nothing asks, nothing hangs, nothing of the caller's repository leaks in, and a token
 * travels in it rather than in an argument that every user of the machine can read.
 */

/** Variables of git that say who commits and how the network is reached; every other `GIT_*` is dropped. */
const kept = new Set([
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_AUTHOR_DATE',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
  'GIT_COMMITTER_DATE',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_EXEC_PATH',
  'GIT_SSH',
  'GIT_SSH_VARIANT',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
]);

/** `GIT_CONFIG_COUNT` and its pairs: settings by environment, which are kept and added to. */
const configuration = /^GIT_CONFIG_(COUNT|KEY_\d+|VALUE_\d+)$/;

/** Always set; see git(1), "ENVIRONMENT VARIABLES". */
const fixed = {
  LC_ALL: 'C',
  LANGUAGE: '',
  GIT_TERMINAL_PROMPT: '0',
  // An empty program stops git's search for one to ask a password with; the prompt is off already, so it gives up.
  GIT_ASKPASS: '',
  SSH_ASKPASS: '',
  GCM_INTERACTIVE: 'never',
  GIT_ALLOW_PROTOCOL: 'https:ssh:file',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_ADVICE: '0',
} as const;

/**
 * The environment for one run of git.
 * @param own the process's environment
 * @param settings further git settings, as `http.extraHeader`; they may hold a secret
 * @param ssh the ssh command that the user's git is set to
 */
export function gitEnvironment(
  own: NodeJS.ProcessEnv,
  settings: Readonly<Record<string, string>> = {},
  ssh = own['GIT_SSH_COMMAND'],
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    const upper = name.toUpperCase();
    if (value === undefined || (upper.startsWith('GIT_') && !kept.has(upper) && !configuration.test(upper))) continue;
    result[name] = value;
  }
  // BatchMode: a passphrase or an unknown host ends in an error instead of a question.
  Object.assign(result, fixed);
  if (ssh !== undefined || own['GIT_SSH'] === undefined) {
    result['GIT_SSH_COMMAND'] = `${ssh ?? 'ssh'} -o BatchMode=yes`;
  }
  const pairs = Object.entries(settings);
  const before = Number(own['GIT_CONFIG_COUNT'] ?? 0) || 0;
  if (pairs.length > 0) result['GIT_CONFIG_COUNT'] = String(before + pairs.length);
  pairs.forEach(([key, value], index) => {
    result[`GIT_CONFIG_KEY_${before + index}`] = key;
    result[`GIT_CONFIG_VALUE_${before + index}`] = value;
  });
  return result;
}

/** The settings that let git sign in to GitHub, where the environment has a token and the URL is GitHub's by https. */
export function tokenSettings(own: NodeJS.ProcessEnv, url: string): Record<string, string> | undefined {
  const token = own['GITHUB_TOKEN'] || own['GH_TOKEN'];
  if (!token || !url.startsWith('https://github.com/')) return undefined;
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  return { 'http.https://github.com/.extraHeader': `Authorization: Basic ${basic}` };
}
