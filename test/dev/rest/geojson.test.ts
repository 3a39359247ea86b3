import { afterAll, beforeAll, expect, it } from 'vitest';
import { startRest, type RestServer } from './support.ts';

let server: RestServer;
beforeAll(async () => {
  server = await startRest(`create extension postgis with schema extensions;
    create table public.shops (id int primary key, at extensions.geometry(point, 4326));
    insert into public.shops values (1, 'SRID=4326;POINT(-71.1 42.37)'); grant select, insert on public.shops to service_role`);
});
afterAll(() => server.close());

it('gives rows with a place as GeoJSON', async () => {
  const { status, headers, json } = await server.send('/shops', { headers: { accept: 'application/geo+json' } });
  expect([status, headers.get('content-type')]).toEqual([200, 'application/geo+json; charset=utf-8']);
  const geometry = { type: 'Point', coordinates: [-71.1, 42.37] };
  const feature = { type: 'Feature', geometry, properties: { id: 1 } };
  expect(json).toEqual({ type: 'FeatureCollection', features: [feature] });
});

it('gives and takes places in rows', async () => {
  const { error } = await server.service.from('shops').insert({ id: 2, at: 'SRID=4326;POINT(1 2)' });
  expect(error).toBeNull();
  expect((await server.service.from('shops').select('at').eq('id', 2)).data).toMatchObject([
    { at: { type: 'Point', coordinates: [1, 2] } },
  ]);
});
