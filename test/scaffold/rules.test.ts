import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import type { Finding } from '../../src/shared/finding.ts';
import type { CoreFacts } from '../../src/scaffold/table.ts';
import { buildCatalog } from '../../src/sql/catalog/build.ts';
import { coreFacts } from '../../src/sql/catalog/core-objects.ts';
import { lint } from '../../src/rules/registry.ts';
import type { Layer, Migration } from '../../src/sql/migration.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { everyKind, folders } from './support.ts';

const kit = join(import.meta.dirname, '../../templates/musekit/migrations/core');

const migration = (layer: Layer, file: string, sql: string): Migration => ({
  layer,
  file,
  number: /\d+/.exec(file)?.[0] ?? '',
  sql,
  checksum: createHash('sha256').update(sql).digest('hex'),
});

const core = readdirSync(kit)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => migration('core', `migrations/core/${name}`, readFileSync(join(kit, name), 'utf8')));

describe('scaffolded files have no findings', () => {
  let facts: CoreFacts;
  beforeAll(async () => {
    await loadParser();
    facts = coreFacts(buildCatalog(core));
  });

  it.each<[string, string[], string[], string]>([
    ['blank', ['blank'], [], ''],
    ['realty', ['realty'], [], ''],
    ['social', ['social'], [], ''],
    ['deliverables', ['deliverables'], [], ''],
    ['crm', ['crm'], [], ''],
    ['all presets', ['realty', 'social', 'deliverables', 'crm'], [], 'kv_'],
    ['tables of every kind', [], everyKind, ''],
  ])('%s', async (_, presets, tables, prefix) => {
    const { files } = await scaffold({
      name: 'realtymuse',
      prefix,
      presets: await Promise.all(presets.map(loadPreset)),
      tables: tables.map(parseTable),
      core: facts,
      number: '001',
      folders,
      isolation: 'auth-uid',
    });
    const [up] = files.map(({ path, content }) => migration('extension', path, content));
    const { findings } = await lint({
      migrations: up === undefined ? core : [...core, up],
      rollbacks: new Set([up?.file ?? '']),
    });
    // A table that references itself is created by the statement that names it.
    const pointsAtItself = ({ rule, object }: Finding): boolean =>
      rule === 'unknown-relation' && up?.sql.includes(`CREATE TABLE IF NOT EXISTS ${object} (`) === true;
    expect(
      findings
        .filter((finding) => finding.file === up?.file && !pointsAtItself(finding))
        .map(({ rule, line, message }) => `${line} ${rule}: ${message}`),
    ).toEqual([]);
  });
});
