import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Fetched } from '../../src/create/context.ts';
import type { StepOutput } from '../../src/create/journal.ts';
import { renameStep } from '../../src/create/steps/kit.ts';
import { temporaryDirectory } from '../support/cli.ts';

/** Runs the step on a kit with two folders of migrations, and returns the folder taken, the notes, and the questions. */
async function taken(chosen: string | undefined, answer?: number) {
  const stage = await temporaryDirectory();
  for (const file of [
    'supabase/migrations/1_a.sql',
    'prisma/migrations/1_a/migration.sql',
    'prisma/migrations/2_b/migration.sql',
  ]) {
    await mkdir(dirname(join(stage, file)), { recursive: true });
    await writeFile(join(stage, file), 'SELECT 1;\n');
  }
  const asked: (readonly string[])[] = [];
  const data = chosen === undefined ? {} : { core: chosen };
  const run = {
    answers: {
      name: 'shop',
      kit: 'owner/kit',
      prefix: '',
      presets: [],
      target: 'embedded',
      environment: 'development',
    },
    kit: { commit: 'a'.repeat(40) },
    journal: { data },
    stage,
    ...(answer === undefined
      ? {}
      : {
          choose: (_: string, choices: readonly string[]) => {
            asked.push(choices);
            return Promise.resolve(answer);
          },
        }),
  } as unknown as Fetched;
  const output: Pick<StepOutput, 'notes'> & { summary?: string } = { notes: [] };
  const { museFile } = await renameStep.run(run, output as StepOutput);
  return { core: museFile.migrations.core, notes: output.notes, asked, kept: (data as { core?: string }).core };
}

it('takes the folder with the most files where nobody can be asked, and names the other', async () => {
  expect(await taken(undefined)).toEqual({
    core: ['prisma/migrations'],
    notes: [
      'The kit also has supabase/migrations (supabase, 1 file), which are not run; prisma/migrations has 2 files. ' +
        'To run them instead: --core supabase/migrations',
    ],
    asked: [],
    kept: undefined,
  });
});

it('asks in a terminal, and a resumed run keeps the answer', async () => {
  expect(await taken(undefined, 1)).toMatchObject({
    core: ['supabase/migrations'],
    asked: [
      [expect.stringContaining('prisma/migrations: 2 files'), expect.stringContaining('supabase/migrations: 1 file')],
    ],
    kept: 'supabase/migrations',
  });
  expect(await taken('supabase/migrations', 0)).toMatchObject({ core: ['supabase/migrations'], asked: [] });
  expect(await taken('supabase/migrations')).toMatchObject({ core: ['supabase/migrations'] });
});
