// Packs the package, installs the tarball in an empty directory as a user would, runs the main job from there, and then
// every command of the README that it generates: the first one with a network, the others without.
import { execFileSync, execSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { museCommands } from './muse-readme.js';

const root = join(import.meta.dirname, '..');
const place = mkdtempSync(join(tmpdir(), 'create-muse-package-'));
const windows = process.platform === 'win32';
const run = (command, args, options = {}) =>
  execFileSync(command, args, {
    cwd: place,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: windows,
    ...options,
  });

try {
  run('npm', ['pack', '--pack-destination', place, '--ignore-scripts'], { cwd: root });
  const tarball = readdirSync(place).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(place, 'package.json'), '{"private":true}\n');
  run('npm', ['install', '--no-audit', '--no-fund', '--omit=dev', join(place, tarball)]);
  const bin = join(place, 'node_modules', 'create-muse', 'bin');
  const created = JSON.parse(
    run(process.execPath, [join(bin, 'create-muse.js'), 'realtymuse', '--yes', '--preset', 'realty', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const muse = join(place, 'realtymuse');
  const status = JSON.parse(run(process.execPath, [join(bin, 'muse.js'), 'status', '--json'], { cwd: muse }));
  const [environment] = status.environments;
  if (!created.ok || environment.pending.length > 0 || environment.applied.length === 0) {
    throw new Error(`The packed run is not green: ${JSON.stringify(status)}`);
  }
  if (
    !existsSync(join(muse, '.gitignore')) ||
    !readFileSync(join(muse, 'README.md'), 'utf8').includes('mls_listings')
  ) {
    throw new Error('The muse lacks its .gitignore or its list of tables.');
  }
  const { install, blocks, table } = museCommands(muse);
  const inShell = (command, more = {}) =>
    execSync(command, { cwd: muse, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...more } });
  inShell(install);
  for (const command of [...blocks, ...table]) inShell(command, { npm_config_offline: 'true' });
  process.stdout.write(
    `realtymuse from ${tarball}: ${environment.applied.length} migrations applied, ` +
      `${blocks.length + table.length + 1} commands of its README run\n`,
  );
} finally {
  rmSync(place, { recursive: true, force: true });
}
