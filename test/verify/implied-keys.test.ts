/** Tables without foreign keys: what policies compare their columns with tells whose the rows are. All are proven at once. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { helper, mine, owned } from './designs.ts';
import { asMigration } from './kit.ts';
import { findingsOf } from './prove-files.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const uid = '(select auth.uid())';

/** A table with row-level security that users may read, and a policy for it. */
const table = (name: string, columns: string, reads: string, more = ''): string =>
  `create table public.${name} (${columns}); alter table public.${name} enable row level security;
   grant select on public.${name} to authenticated; create policy r on public.${name} for select to authenticated using (${reads}); ${more}`;
const id = 'id uuid primary key default gen_random_uuid()';

const inRoom = (room: string): string =>
  `exists (select from public.room_people p where p.room_id = ${room} and p.user_id = ${uid})`;
const inSpace = `space in (select s.space from public.space_users s where s.person = ${uid})`;
const parent = `exists (select from public.docs d where d.id = parts.doc_id and d.${mine})`;

/** Each hole, and what it is once repaired. */
const holes: Record<string, [finds: string, hole: string, repaired: string]> = {
  'any room of the caller': [
    'isolation-read public.messages',
    `exists (select from public.room_people p where p.user_id = ${uid})`,
    inRoom('messages.room_id'),
  ],
  'a title that opens it': ['isolation-read public.plans', `title like 'open%' or ${inSpace}`, inSpace],
  'any parent of the caller': [
    'isolation-write public.parts',
    `exists (select from public.docs d where d.${mine})`,
    parent,
  ],
  'a song for any band': ['isolation-reassign public.songs', `${uid} is not null`, 'private.plays(band)'],
};
const schema = (which: 1 | 2): string => {
  const [room, plan, part, song] = Object.values(holes).map((one) => one[which]);
  return [
    table(
      'room_people',
      'room_id uuid not null, user_id uuid not null, primary key (room_id, user_id)',
      `user_id = ${uid}`,
    ),
    table('rooms', `${id}, name text not null`, inRoom('rooms.id')),
    table(
      'messages',
      `${id}, room_id uuid not null, body text not null`,
      room!,
      `grant insert on public.messages to authenticated; create policy i on public.messages for insert to authenticated with check (${inRoom('messages.room_id')});`,
    ),
    table('space_users', 'space uuid not null, person uuid not null, primary key (space, person)', `person = ${uid}`),
    table('plans', `${id}, space uuid not null, title text not null`, plan!),
    owned('docs'),
    table(
      'parts',
      `${id}, doc_id uuid not null, body text not null`,
      parent,
      `grant delete on public.parts to authenticated; create policy d on public.parts for delete to authenticated using (${part});`,
    ),
    table('crew', 'band uuid not null, person uuid not null, primary key (band, person)', `person = ${uid}`),
    helper(
      'plays(b uuid)',
      'boolean',
      'select exists (select from public.crew where band = b and person = auth.uid())',
    ),
    table(
      'songs',
      `${id}, band uuid not null, title text not null`,
      'private.plays(band)',
      `grant update on public.songs to authenticated; create policy u on public.songs for update to authenticated using (private.plays(band)) with check (${song});`,
    ),
  ].join('\n');
};

const found = async (sql: string): Promise<string[]> =>
  withSchema(database, sql, async (session) =>
    (await findingsOf(session, [asMigration('extension_002.sql', sql)]))
      .filter(({ rule, severity }) => severity === 'error' || rule === 'not-proven')
      .map(({ rule, object }) => `${rule} ${object}`),
  );

it('each hole is found', async () => {
  expect((await found(schema(1))).sort()).toEqual(
    [
      ...Object.values(holes).map(([finds]) => finds),
      // Who has no parent yet adds one, and then deletes any part.
      'isolation-escalation public.docs',
    ].sort(),
  );
});

it('repaired, all is proven', async () => {
  expect(await found(schema(2))).toEqual([]);
});
