// Runs a creation and kills its own process with SIGKILL when a step starts or ends.
// node kill-at.js <directory> <step> <started|done> [answers as JSON]
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [directory = '', step = '', status = '', more = '{}'] = process.argv.slice(2);
const { createMuse } = await import(
  pathToFileURL(join(import.meta.dirname, '..', '..', 'build', 'create', 'create.js')).href
);
const answers = {
  name: 'realtymuse',
  directory,
  kit: 'builtin',
  kitExtensions: 'archive',
  presets: ['realty'],
  tables: [],
  prefix: '',
  target: 'embedded',
  environment: 'development',
  supabaseBaseline: false,
  supabase: {},
  fix: false,
  git: true,
  install: false,
  ...JSON.parse(more),
};
await createMuse(
  answers,
  {},
  {
    signal: new AbortController().signal,
    environment: process.env,
    onStep(event) {
      if (event.id === step && event.status === status) process.kill(process.pid, 'SIGKILL');
    },
  },
);
throw new Error(`The run ended without reaching ${step} ${status}.`);
