// Writes docs/rules/ from the rules. Run it after a build; a test tells when it was forgotten.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rulePages } from '../build/rules/engine/pages.js';
import { allRules } from '../build/rules/registry.js';

const folder = join(dirname(import.meta.dirname), 'docs', 'rules');
const pages = rulePages(allRules);
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(join(folder, name));
for (const [name, text] of pages) writeFileSync(join(folder, name), text);
