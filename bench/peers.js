// The tools that we compare with, installed from npm into a cache of their own, never into the project.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const peers = {
  'create-vite': '9.3.0',
  giget: '3.3.1',
  'create-t3-app': '7.40.0',
  'node-pg-migrate': '9.0.0',
  dbmate: '2.36.0',
  supabase: '3.1.0',
  'squawk-cli': '2.66.0',
  '@postgres-language-server/cli': '0.25.5',
  supashield: '0.3.0',
  '@supabase/lite': '0.10.0',
};

/** Folder whose node_modules holds the peers; undefined if they cannot be installed. */
export function installPeers() {
  const place = join(process.env.CREATE_MUSE_BENCH_CACHE ?? tmpdir(), 'create-muse-bench-peers');
  const missing = Object.keys(peers).filter((name) => !existsSync(join(place, 'node_modules', name)));
  mkdirSync(place, { recursive: true });
  if (!existsSync(join(place, 'package.json'))) writeFileSync(join(place, 'package.json'), '{"private":true}\n');
  for (const name of missing) {
    try {
      execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', place, `${name}@${peers[name]}`], {
        stdio: 'pipe',
      });
    } catch {
      process.stdout.write(`(${name} could not be installed and is left out)\n`);
    }
  }
  return (name, file) => {
    const path = join(place, 'node_modules', name, file);
    return existsSync(path) ? path : undefined;
  };
}
