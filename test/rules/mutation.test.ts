import { beforeAll, expect, it } from 'vitest';
import { lint } from '../../src/rules/registry.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { migrationsOf } from '../migrations/files.ts';
import { isWhole } from '../support/sample.ts';
import { builtinKit, seeded } from './kit.ts';
import { mutations } from './mutations.ts';

beforeAll(loadParser);

const perMutation = isWhole ? 16 : 2;
const rollbacks = new Set(['migrations/extensions/001_ours.sql']);

it('the unmodified kit has no findings', async () => {
  expect((await lint({ migrations: migrationsOf(builtinKit()), rollbacks })).findings).toEqual([]);
});

const least = isWhole ? 500 : 60;

it(`of more than ${least} randomly planted defects, 99 % are found on the right line`, async () => {
  const kit = builtinKit();
  const random = seeded(20_261_121);
  const missed: string[] = [];
  let planted = 0;
  for (const [title, [rule, plant]] of Object.entries(mutations)) {
    for (let count = 0; count < perMutation; count += 1) {
      const mutant = plant(kit, random);
      planted += 1;
      const { findings } = await lint({ migrations: migrationsOf(mutant.kit), rollbacks });
      if (
        findings.some(
          (finding) => finding.rule === rule && finding.file === mutant.file && finding.line === mutant.line,
        )
      )
        continue;
      const near = findings.map((finding) => `${finding.rule} ${finding.file}:${finding.line}`).slice(0, 3);
      missed.push(`${title}: ${rule} at ${mutant.file}:${mutant.line}, found ${near.join(', ') || 'nothing'}`);
    }
  }
  expect(planted).toBeGreaterThan(least);
  expect(missed.length / planted, missed.join('\n')).toBeLessThanOrEqual(0.01);
}, 240_000);
