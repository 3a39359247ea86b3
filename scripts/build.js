// Lists the rules, compiles src/ to dist/, and writes the text of `muse help` for 80 columns. A clean dist first: a renamed file must not stay in the package.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeRuleLists } from './rule-list.js';

const root = dirname(import.meta.dirname);
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
writeRuleLists();
rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' });
const { museHelp } = await import(pathToFileURL(join(root, 'dist', 'cli', 'muse-command.js')).href);
writeFileSync(join(root, 'dist', 'cli', 'muse-help.txt'), await museHelp(80));
