/** docs/api.md as a program: each example is a function, called by its heading. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** The examples of the page by their headings, e.g. `muse.migrate`; the imports are the first block. */
export function readExamples(): { imports: string; examples: Map<string, string> } {
  const [opening = '', ...sections] = readFileSync(join(root, 'docs', 'api.md'), 'utf8').split(/^#{2,3} /m);
  const blocks = (text: string): string[] => [...text.matchAll(/^```ts\n([^]*?)^```/gm)].map((match) => match[1] ?? '');
  const examples = sections.map(
    (section) => [section.slice(0, section.indexOf('\n')), blocks(section).join('')] as const,
  );
  return { imports: blocks(opening).join(''), examples: new Map(examples.filter(([, code]) => code !== '')) };
}

interface PackageJson {
  files: string[];
  dependencies: Record<string, string>;
}

/**
 * Compiles the page's examples in a directory where this package is installed as by npm: the published files, without
 * development dependencies.
 * @param directory an empty one
 * @param kit made a muse of, without a proof, by the examples that make one; without it, they run as they are
 * @returns the path of the program; its arguments are the headings of the examples to run
 * @throws the compiler's errors
 */
export function compilePage(directory: string, kit?: string): string {
  const { files, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageJson;
  for (const file of [...files, 'package.json'])
    cpSync(join(root, file), join(directory, 'node_modules', 'create-muse', file), { recursive: true });
  for (const name of Object.keys(dependencies)) {
    const link = join(directory, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link, 'junction');
  }
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(directory, 'page.ts'), program(kit));
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const options = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2023',
    '--lib',
    'es2023',
    '--module',
    'nodenext',
    '--outDir',
    'out',
  ];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, 'page.ts'], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stdout);
  return join(directory, 'out', 'page.js');
}

/** An example that makes a muse, as it makes one of another kit: without a proof, with a preset that needs no table of that kit. */
const quicker = (code: string, kit: string | undefined): string =>
  kit === undefined
    ? code
    : code.replace("presets: ['realty']", `kit: ${JSON.stringify(kit)}, verify: false, presets: ['deliverables']`);

function program(kit?: string): string {
  const { imports, examples } = readExamples();
  const functions = [...examples].map(
    ([heading, code]) =>
      `  ${JSON.stringify(heading)}: async (muse: Muse, portfolio: Portfolio): Promise<void> => {{\n${quicker(code, kit)}  }},`,
  );
  return `${imports}import type { Muse, Portfolio } from 'create-muse';

const examples: Record<string, (muse: Muse, portfolio: Portfolio) => Promise<void>> = {
${functions.join('\n')}
};
for (const heading of process.argv.slice(2)) {
  const ofPortfolio = heading.startsWith('portfolio.');
  const muse = ofPortfolio || /Muse|Portfolio/.test(heading) ? undefined! : await openMuse('./realtymuse');
  const portfolio = ofPortfolio ? await openPortfolio() : undefined!;
  try {
    await examples[heading]!(muse, portfolio);
  } finally {
    await portfolio?.close();
  }
}
`;
}
