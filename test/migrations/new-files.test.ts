import { describe, expect, it } from 'vitest';
import { newFile, newFiles, newPaths, rollbackPath } from '../../src/migrations/new-files.ts';
import type { MigrationFolders, MigrationOrder } from '../../src/shared/muse-file.ts';

const shared = (order: MigrationOrder): MigrationFolders => ({
  core: ['m'],
  extensions: ['m'],
  rollback: 'back',
  archive: 'old',
  order,
});

describe('new files', () => {
  const cases: [MigrationOrder, number: string, path: string, rollback: string][] = [
    ['number', '004', 'm/004_a.sql', 'back/extensions/004_a.sql'],
    ['timestamp', '20260101000000', 'm/20260101000000_a.sql', 'back/extensions/20260101000000_a.sql'],
    ['journal', '0004', 'm/0004_a.sql', 'back/extensions/0004_a.sql'],
    ['flyway', '12', 'm/V12__a.sql', 'm/U12__a.sql'],
    ['pair', '000004', 'm/000004_a.up.sql', 'm/000004_a.down.sql'],
    ['db-migrate', '20260101000000', 'm/20260101000000-a-up.sql', 'm/20260101000000-a-down.sql'],
    ['goose', '00004', 'm/00004_a.sql', 'm/00004_a.sql'],
    ['dbmate', '20260101000000', 'm/20260101000000_a.sql', 'm/20260101000000_a.sql'],
    ['sql-migrate', '4', 'm/4_a.sql', 'm/4_a.sql'],
    ['node-pg-migrate', '1700000000000', 'm/1700000000000_a.sql', 'm/1700000000000_a.sql'],
    ['folder', '20260101000000', 'm/20260101000000_a/migration.sql', 'm/20260101000000_a/down.sql'],
    ['up-folder', '1700000000000', 'm/1700000000000_a/up.sql', 'm/1700000000000_a/down.sql'],
    ['sqitch', '004', 'm/004_a.sql', 'back/extensions/004_a.sql'],
    ['committed', '000004', 'm/000004-a.sql', 'back/extensions/000004-a.sql'],
    ['atlas', '20260101000000', 'm/20260101000000_a.sql', 'back/extensions/20260101000000_a.sql'],
    ['postgrator', '004', 'm/004.do.a.sql', 'm/004.undo.a.sql'],
    ['dotted', '0004', 'm/0004.a.sql', 'm/0004.a.rollback.sql'],
    ['gathered', '004', 'm/004_a.sql', 'back/extensions/004_a.sql'],
    ['schema', '004', 'm/004_a.sql', 'back/extensions/004_a.sql'],
  ];
  it.each(cases)(
    '%s: paths, sections, and the line that marks them as the product’s own',
    (order, number, path, rollback) => {
      const folders = shared(order);
      const paths = newPaths(folders, 'm', number, 'a');
      expect(paths).toEqual({ path, rollbackPath: rollback });
      const files = newFiles(folders, paths, 'create table a ();\n', 'drop table a;\n');
      expect(files.map((file) => file.path)).toEqual([...new Set([path, rollback])]);
      expect(files[0]!.content).toMatch(/^-- muse: extension\n/);
      expect(files.at(-1)!.content).toContain('drop table a;');
      // A repair finds the same place for the rollback of a file that has none.
      const sql = newFile(folders, 'extension', path, 'create table a ();\n');
      expect(rollbackPath(folders, { layer: 'extension', file: path, sql })).toBe(rollback);
    },
  );

  it('are not marked in a folder of their own', () => {
    const folders: MigrationFolders = { ...shared('number'), extensions: ['m/extensions'] };
    const paths = newPaths(folders, 'm/extensions', '001', 'a');
    expect(newFiles(folders, paths, 'select 1;\n', 'select 2;\n')[0]).toEqual({
      path: 'm/extensions/001_a.sql',
      content: 'select 1;\n',
    });
  });
});
