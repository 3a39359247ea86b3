// Continues a run and answers yes to every question: node agree.js <directory>
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { resumeMuse } = await import(
  pathToFileURL(join(import.meta.dirname, '..', '..', 'build', 'create', 'create.js')).href
);
const report = await resumeMuse(
  process.argv[2] ?? '',
  {},
  {
    signal: new AbortController().signal,
    environment: process.env,
    agree: async (question) => {
      process.stdout.write(`${question}\n`);
      return true;
    },
  },
);
if (report.error !== undefined) throw report.error;
