// Runs the README's two commands in fresh clones of HEAD, and the commands of the README that the first one generates,
// in surroundings that differ from a developer's own: other users, directories that others cannot read, odd paths, no
// install scripts, no network, no git identity, a global prefix that cannot be written. Changes that are not committed
// do not count.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { museCommands } from './muse-readme.js';

const root = join(import.meta.dirname, '..');
const windows = process.platform === 'win32';
const isRoot = process.getuid?.() === 0;
/** The ordinary user, when this process is root's: `nobody`. */
const nobody = { uid: 65_534, gid: 65_534 };
/** They start a native server and embedded databases; the first command runs the command line. */
const tests = ['both-kinds', 'native-binaries', 'global-setup'];
/** The most that one command may take: many times what it needs on a machine that does nothing else. */
const timeoutMs = 600_000;

const place = mkdtempSync(join(tmpdir(), 'create-muse-fresh-'));
chmodSync(place, 0o755);

/** Each pair shares a directory, and with it npm's cache: the second of a pair runs with what the first one fetched. */
const closed = {
  directory: join(place, 'closed'),
  mode: 0o700,
  umask: 0o077,
  temporary: join(place, 'closed', 'tmp'),
  readOnlyHome: false,
};
const odd = {
  directory: join(place, 'Über mir'),
  mode: 0o755,
  umask: 0o022,
  temporary: join(place, 'tmp'),
  readOnlyHome: true,
  user: isRoot ? nobody : undefined,
};
const surroundings = [
  {
    ...closed,
    name: 'umask 077, checkout and TMPDIR in a directory of mode 0700, empty HOME',
    network: true,
    scripts: true,
  },
  {
    ...closed,
    name: 'the same, without a network and without install scripts',
    network: false,
    scripts: false,
    generated: 'all',
  },
  {
    ...odd,
    name: 'a space and an umlaut in the path, TMPDIR elsewhere, read-only HOME, no install scripts',
    network: true,
    scripts: false,
    generated: 'blocks',
  },
  { ...odd, name: 'the same, without a network, with install scripts', network: false, scripts: true },
];

/** What runs now, one of each pair at most. */
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of running) end(child);
    removePlace();
    process.exit(130);
  });
}

try {
  const commands = readmeCommands();
  const environment = baseEnvironment();
  if (execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' }))
    process.stdout.write('Changes that are not committed are not tried.\n');
  if (!isRoot) process.stdout.write('Not tried, because this is not root: the same as root.\n');
  // Both pairs at once: each waits for the disk and the registry most of the time.
  await Promise.all(
    [surroundings.slice(0, 2), surroundings.slice(2)].map((pair) => tryPair(pair, commands, environment)),
  );
} finally {
  // Where one pair failed to be tried, the other one still runs.
  for (const child of running) end(child);
  removePlace();
}

async function tryPair(pair, commands, environment) {
  for (const one of pair) {
    const who = one.user ? 'an ordinary user' : isRoot ? 'root' : 'this user';
    if (one.user && !canRunNode(one.user)) {
      process.stdout.write(
        `-        ${who}: ${one.name}: not tried, because that user cannot run node and npm in ${place}\n`,
      );
      continue;
    }
    const started = performance.now();
    const failure = await tryCommands(commands, one, environment);
    const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(3);
    process.stdout.write(`${failure ? '✗' : '✓'} ${seconds} s  ${who}: ${one.name}\n`);
    if (!failure) continue;
    process.stdout.write(`${failure.replace(/^/gm, '    ')}\n`);
    process.exitCode = 1;
  }
}

/** The two commands as README has them; the second one with few test files. */
function readmeCommands() {
  const blocks = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```\w*\n(npm ci && .+)\n```$/gm);
  const [create, test] = [...blocks].map(([, command]) => command);
  if (!create?.startsWith('npm ci && npx create-muse ') || test !== 'npm ci && npm test') {
    throw new Error(
      'README.md has no longer its two commands, each alone in a block: "npm ci && npx create-muse …" and "npm ci && npm test".',
    );
  }
  return [create, `${test} -- ${tests.join(' ')}`];
}

/** The environment without what is set for this project, this run or by npm, but with npm's way to its registry. */
function baseEnvironment() {
  const strange =
    /^(npm_|CREATE_MUSE_|SUPABASE_|XDG_|GIT_|VITEST|CI$|INIT_CWD$|NODE_ENV$|NODE_OPTIONS$|DATABASE_URL$)/i;
  const settings = JSON.parse(
    execFileSync('npm', ['config', 'ls', '--json'], { cwd: root, encoding: 'utf8', shell: windows }),
  );
  const way = ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy'].filter(
    (key) => typeof settings[key] === 'string' && settings[key] !== '',
  );
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([key]) => !strange.test(key))),
    ...Object.fromEntries(way.map((key) => [`npm_config_${key.replaceAll('-', '_')}`, settings[key]])),
  };
}

function canRunNode(user) {
  return (
    spawnSync('sh', ['-c', 'cd "$0" && node --version && npm --version', place], {
      ...user,
      env: { ...process.env, HOME: place },
    }).status === 0
  );
}

/** Runs each command in a clone of its own; returns what was printed last where one fails. */
async function tryCommands(
  commands,
  { directory, mode, umask, temporary, readOnlyHome, user, network, scripts, generated },
  environment,
) {
  const home = join(directory, 'home');
  const prefix = join(directory, 'prefix');
  for (const path of [directory, temporary, home, prefix]) {
    mkdirSync(path, { recursive: true });
    if (user) chownSync(path, user.uid, user.gid);
    chmodSync(path, path === prefix || (readOnlyHome && path === home) ? 0o555 : mode);
  }
  const env = {
    ...environment,
    HOME: home,
    USERPROFILE: home,
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
    GIT_CONFIG_NOSYSTEM: '1',
    npm_config_prefix: prefix,
    // npm itself installs nothing without a cache that it can write.
    ...(readOnlyHome ? { npm_config_cache: join(directory, 'cache') } : {}),
    ...(scripts ? {} : { npm_config_ignore_scripts: 'true' }),
  };
  for (const command of commands) {
    const clone = join(directory, 'clone');
    // Cloned by the owner of this checkout, because git reads nobody else's.
    const cloned = await run('git', ['clone', '--quiet', root, clone], { cwd: directory, env, umask });
    if (cloned.code !== 0) return `git clone\n${cloned.tail}`;
    if (user) giveAway(clone, user);
    const options = { cwd: clone, env, umask, ...user };
    const inShell = (line, at) => (network ? run(line, [], { ...at, shell: true }) : runOffline(line, at));
    const done = await inShell(command, options);
    // Most tests run what was built.
    const built = existsSync(join(clone, 'dist', 'index.js'));
    const muse = join(clone, 'realtymuse');
    const failure =
      done.code === 0 && generated !== undefined && existsSync(muse)
        ? await tryGenerated(muse, generated, (line) => inShell(line, { ...options, cwd: muse }))
        : undefined;
    rmSync(clone, { recursive: true, force: true, maxRetries: 5 });
    if (done.code !== 0 || !built) return `${command}\n${done.tail}${built ? '' : '\nNothing was built.'}`;
    if (failure !== undefined) return `${command}, then in its README:\n${failure}`;
  }
  return undefined;
}

/**
 * Runs the commands of the README of a muse, all or those of its blocks; returns what was printed last where one fails.
 */
async function tryGenerated(muse, which, inShell) {
  const { install, blocks, table } = museCommands(muse);
  for (const line of [install, ...blocks, ...(which === 'all' ? table : [])]) {
    const { code, tail } = await inShell(line);
    if (code !== 0) return `${line}\n${tail}`;
  }
  return undefined;
}

function giveAway(directory, { uid, gid }) {
  for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' }))
    lchownSync(join(directory, path), uid, gid);
  chownSync(directory, uid, gid);
}

/** As root on Linux with no interface but loopback; elsewhere only npm is told that there is no network. */
function runOffline(command, options) {
  const isolated = (line) => ['unshare', ['--net', 'sh', '-c', `ip link set lo up && ${line}`]];
  if (isRoot && options.uid === undefined && spawnSync(...isolated('true')).status === 0)
    return run(...isolated(command), options);
  return run(command, [], { ...options, shell: true, env: { ...options.env, npm_config_offline: 'true' } });
}

async function run(program, args, { umask, ...options }) {
  const ownMask = process.umask(umask);
  // In a process group of its own, so that all that it starts can be ended with it.
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: !windows });
  process.umask(ownMask);
  running.add(child);
  let output = '';
  const hear = (text) => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const timer = setTimeout(() => {
    hear(`\nEnded after ${timeoutMs / 1000} s.\n`);
    end(child);
  }, timeoutMs);
  const code = await new Promise((resolve) => {
    child.once('error', (error) => hear(error.message));
    child.once('close', resolve);
  });
  clearTimeout(timer);
  running.delete(child);
  return { code, tail: output.trim().split('\n').slice(-40).join('\n') };
}

function end(child) {
  if (child?.pid === undefined) return;
  if (windows) child.kill();
  else process.kill(-child.pid, 'SIGKILL');
}

function removePlace() {
  rmSync(place, { recursive: true, force: true, maxRetries: 5 });
}
