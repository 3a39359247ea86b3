// The proof of isolation: its time compared with a prober with hand-written rows, and which planted holes it and other
// tools report.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { compare, once } from './measure.js';
import { startServer } from './server.js';
import { holes, matrixAlone } from './verify/holes.js';
import { outsiderEmail, probeSeeded, seed } from './verify/seeded.js';
import { advise, splinter, supashield } from './verify/tools.js';

/** Width of the column with the holes' names. */
const width = Math.max(...holes.map(({ name }) => name.length));
const presets = ['realty', 'social', 'deliverables', 'crm'];

/** @param {{ root: string, peer: (name: string, file: string) => string | undefined, rounds: number }} options */
export async function verify({ root, peer, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const server = await startServer();
  try {
    const create = (name, ids, target) =>
      once({
        command: process.execPath,
        args: [
          join(root, 'bin', 'create-muse.js'),
          name,
          '--yes',
          '--json',
          '--no-git',
          ...target,
          ...ids.flatMap((id) => ['--preset', id]),
        ],
        cwd: place,
      });
    await create('one', presets.slice(0, 1), []);
    await create('kit', presets, [
      '--target',
      'postgres',
      '--database-url',
      server.url('postgres'),
      '--supabase-baseline',
    ]);
    const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
    const [{ readMigrations }, { readMuseFile }, { proveDatabase }, { openEmbedded }, { migrate }, { openPostgres }] =
      await Promise.all(
        [
          'migrations/read.js',
          'muse/muse-json.js',
          'muse/verify.js',
          'database/embedded/embedded.js',
          'migrations/apply.js',
          'database/postgres/postgres.js',
        ].map(load),
      );
    const proverOf = async (name) => {
      const muse = join(place, name);
      const museFile = await readMuseFile(muse);
      const { migrations } = await readMigrations(muse, museFile.migrations, { rollbacks: false });
      return { migrations, prove: (database, expected) => proveDatabase(database, museFile, migrations, { expected }) };
    };
    const timed = async (what, name) => {
      const { migrations, prove } = await proverOf(name);
      const embedded = await openEmbedded({});
      await migrate(embedded, migrations);
      const proof = await time(what, embedded, prove, rounds);
      await embedded.close();
      return { proof, prove };
    };
    await timed('a muse with one preset', 'one');
    const { proof, prove } = await timed('the built-in kit with all presets', 'kit');
    await ask({ url: server.url('postgres'), place, peer, tables: proof.tables });
    await plant({ server, place, peer, openPostgres, prove, expected: proof.tables });
  } finally {
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
}

async function time(what, database, prove, rounds) {
  let proof;
  let probes = 0;
  const timed = (name, work) => ({
    name,
    run: async () => {
      const start = performance.now();
      await work();
      return { ms: performance.now() - start };
    },
  });
  const results = await compare(
    [
      timed('hand-seeded prober', async () => {
        const answer = await probeSeeded(database);
        if (answer.failures.length > 0)
          throw new Error(`The prober disagrees with the kit: ${answer.failures.join(', ')}`);
        probes = answer.probes;
      }),
      timed('muse verify', async () => {
        proof = await prove(database);
        if (proof.findings.length > 0) throw new Error(`The kit is not clean: ${proof.findings[0].message}`);
      }),
    ],
    Math.min(rounds, 5),
  );
  const checks = proof.tables.reduce((sum, table) => sum + table.checks.length, 0);
  const [theirs, ours] = results;
  process.stdout.write(`\nThe proof of ${what}, embedded database\n`);
  for (const [{ name, ms }, count] of [
    [theirs, probes],
    [ours, checks],
  ]) {
    process.stdout.write(
      `  ${name.padEnd(20)} ${ms.toFixed(0).padStart(6)} ms ${(ms / theirs.ms).toFixed(2).padStart(6)}x, ${String(count).padStart(4)} checks, ${(ms / count).toFixed(2)} ms each\n`,
    );
  }
  process.stdout.write(`  muse verify, aim 3 s: ${ours.ms <= 3000 ? 'met' : 'NOT met'}\n`);
  return proof;
}

/** Supabase's advisors on the unchanged kit: what they find beside what is meant, as `migrations/README.md` of the kit says. */
async function ask({ url, place, peer, tables }) {
  const cli = peer('supabase', 'dist/supabase.js');
  if (cli === undefined) return;
  const backend = new Set(tables.filter(({ scope }) => scope === 'service-only').map(({ table }) => table));
  const isMeant = ({ name, metadata }) =>
    // No query has run yet.
    name === 'unused_index' ||
    (name === 'rls_enabled_no_policy' &&
      (['muse', 'private'].includes(metadata.schema) || backend.has(`${metadata.schema}.${metadata.name}`)));
  const found = (await Promise.all(['security', 'performance'].map((type) => advise(cli, place, url, type)))).flat();
  const unmeant = found.filter((one) => !isMeant(one));
  process.stdout.write(
    `\nSupabase's advisors on the same: ${found.length} findings, ${unmeant.length} beside what is meant: ${unmeant.length === 0 ? 'met' : 'NOT met'}\n`,
  );
  for (const { level, detail } of unmeant) process.stdout.write(`  ${level} ${detail}\n`);
}

/** Plants one hole after the other, each into a copy of the clean database, and runs every tool. */
async function plant({ server, place, peer, openPostgres, prove, expected }) {
  const tools = [muse(openPostgres, prove, expected), ...peers(peer, place), seeded(openPostgres)];
  const admin = new pg.Client(server.url('template1'));
  await admin.connect();
  const withCopy = async (sql, work) => {
    await admin.query('drop database if exists hole with (force)');
    await admin.query('create database hole template postgres');
    // A role's settings in a database are not part of a copy of it.
    await admin.query('alter database hole set search_path to "$user", public, extensions');
    const client = new pg.Client(server.url('hole'));
    await client.connect();
    await client.query(sql).finally(() => client.end());
    return work(server.url('hole'));
  };
  try {
    const clean = await withCopy(seed, async (url) => {
      const said = [];
      for (const tool of tools) {
        await tool.prepare?.(url);
        said.push(tool.broken === undefined ? await hear(tool, url) : undefined);
      }
      return said;
    });
    for (const [index, tool] of tools.entries()) tool.broken ??= clean[index].broken;
    const line = (name, cells) =>
      process.stdout.write(`  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(13)).join('')}\n`);
    process.stdout.write(
      '\nHoles planted one by one into the built-in kit with all presets, native PostgreSQL: who reports them\n',
    );
    line(
      '',
      tools.map(({ name }) => name),
    );
    const rows = [];
    for (const hole of holes) {
      // What a tool also reports for the repaired schema is not about the hole.
      const repair =
        hole.repair === undefined ? clean : await withCopy(`${seed}; ${hole.repair}`, (url) => hearAll(tools, url));
      const heard = await withCopy(`${seed}; ${hole.sql}`, (url) => hearAll(tools, url));
      if (hole.undo !== undefined) await admin.query(hole.undo);
      rows.push({
        name: hole.name,
        cells: tools.map((tool, index) => cellOf(tool, hole, clean[index], heard[index], repair[index])),
      });
      line(hole.name, rows.at(-1).cells);
    }
    line(
      'reported',
      tools.map((tool, index) =>
        tool.broken === undefined
          ? `${rows.filter(({ cells }) => ['yes', 'diff'].includes(cells[index])).length} of ${rows.length}`
          : '?',
      ),
    );
    conclude(tools, rows);
  } finally {
    await admin.end();
  }
}

/** What a tool reports for a database: findings and, if it has one, its comparison with the clean kit. */
async function hear(tool, url) {
  try {
    return { said: new Set(await tool.ask(url)), compared: new Set((await tool.compare?.(url)) ?? []) };
  } catch (error) {
    return { said: new Set(), compared: new Set(), broken: error instanceof Error ? error.message : String(error) };
  }
}

async function hearAll(tools, url) {
  const heard = [];
  for (const tool of tools) heard.push(tool.broken === undefined ? await hear(tool, url) : undefined);
  return heard;
}

/**
 * Whether the tool reports the hole: `yes`, `diff`, `-`; `noise` if it also rejects the repaired schema, `fails` if it
 * ends with an error.
 */
function cellOf(tool, hole, clean, heard, repair) {
  if (tool.broken !== undefined) return '?';
  if (heard.broken !== undefined || repair.broken !== undefined) return 'fails';
  const isNew = (key) =>
    [...heard[key]].some(
      (text) => !clean[key].has(text) && !repair[key].has(text) && (tool.names?.(text, hole) ?? true),
    );
  if (isNew('said'))
    return [...repair.said].some((text) => !clean.said.has(text) && (tool.refuses?.(text) ?? false)) ? 'noise' : 'yes';
  return isNew('compared') ? 'diff' : '-';
}

function muse(openPostgres, prove, expected) {
  const findings = async (url, model) => {
    const database = await openPostgres({ url });
    try {
      return (await prove(database, model)).findings.map(
        ({ rule, object, severity, message }) => `${severity} ${rule} ${object}: ${message}`,
      );
    } finally {
      await database.close();
    }
  };
  return {
    name: 'muse verify',
    ask: (url) => findings(url),
    compare: (url) => findings(url, expected),
    // A finding for another object, or by another rule, is a coincidence. If only the matrix shows the hole, any of its
    // lines counts.
    names: (text, { finds }) =>
      finds === matrixAlone || text.startsWith(`error ${finds}: `) || text.startsWith(`warning ${finds}: `),
    refuses: (text) => text.startsWith('error '),
  };
}

function seeded(openPostgres) {
  return {
    name: 'by hand',
    ask: async (url) => {
      const database = await openPostgres({ url });
      try {
        return (await probeSeeded(database, true)).failures;
      } finally {
        await database.close();
      }
    },
  };
}

function peers(peer, place) {
  const shield = peer('supashield', 'dist/cli.js');
  const cli = peer('supabase', 'dist/supabase.js');
  const missing = (name) => ({ name, ask: async () => [], broken: 'its npm package could not be installed' });
  const folder = join(place, 'supashield');
  mkdirSync(folder);
  return [
    shield ? supashield(shield, folder, outsiderEmail) : missing('supashield'),
    cli ? splinter(cli, place) : missing('splinter'),
  ];
}

function conclude(tools, rows) {
  process.stdout.write(
    '  yes: reports the hole, and nothing for the repaired schema; diff: only by comparing with the clean kit; noise: also rejects the repaired schema\n',
  );
  process.stdout.write(
    "  splinter: `supabase db advisors`; by hand: plain SQL in the manner of pgTAP's is_empty and throws_ok, with hand-written rows\n",
  );
  for (const { name, broken } of tools.filter((tool) => tool.broken !== undefined))
    process.stdout.write(`  ? ${name} did not run: ${broken}\n`);
  const missed = rows.filter(({ cells }) => !['yes', 'diff', '?'].includes(cells[0])).map(({ name }) => name);
  process.stdout.write(
    `  muse verify reports every hole: ${missed.length === 0 ? 'met' : `NOT met: ${missed.join(', ')}`}\n`,
  );
}
