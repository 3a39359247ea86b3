// Writes docs/rules/ from the data of the checks. Run it after a build; a test tells when it was forgotten.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rulePages } from '../dist/rules/lint/rule-pages.js';

const folder = join(dirname(import.meta.dirname), 'docs', 'rules');
mkdirSync(folder, { recursive: true });
for (const [name, text] of rulePages()) writeFileSync(join(folder, name), text);
