// npm run bench [section …]: runs each section with its floor and its peers, and prints medians and ratios.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPeers } from './peers.js';

const sections = {
  startup: async (options) => (await import('./startup.js')).startup(options),
  migrate: async (options) => (await import('./migrate.js')).migrate(options),
  lint: async (options) => (await import('./lint.js')).lint(options),
  kits: async (options) => (await import('./kits.js')).kits(options),
  rls: async (options) => (await import('./rls.js')).rls(options),
  verify: async (options) => (await import('./verify.js')).verify(options),
  musekit: async (options) => (await import('./musekit.js')).musekit(options),
  provision: async (options) => (await import('./provision.js')).provision(options),
  create: async (options) => (await import('./create.js')).create(options),
  fleet: async (options) => (await import('./fleet.js')).fleet(options),
  dev: async (options) => (await import('./dev.js')).dev(options),
  daily: async (options) => (await import('./daily.js')).daily(options),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' } },
});
const wanted = positionals.length === 0 ? Object.keys(sections) : positionals;
const unknown = wanted.filter((name) => !(name in sections));
if (unknown.length > 0) {
  process.stderr.write(`There is no section ${unknown.join(', ')}: ${Object.keys(sections).join(', ')}.\n`);
  process.exit(2);
}
const options = { root: join(import.meta.dirname, '..'), peer: installPeers(), rounds: Number(values.rounds) };
process.stdout.write(`Node ${process.version}, medians of ${options.rounds} interleaved runs; compare the ratios\n`);
for (const name of wanted) await sections[name](options);
