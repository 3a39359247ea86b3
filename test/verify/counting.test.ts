/** Functions that count from one value to another end soon, and what they give is found all the same. */
import { describe, expect, it } from 'vitest';
import { callable, owned } from './designs.ts';
import { errorProver, reportProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();
const report = reportProver();

const visits = owned('visits', 'happened_at timestamptz not null default now()');

/** A function that returns the titles of visits, those of everybody or the caller's own. */
type Counting = [name: string, signature: string, language: string, body: (whose: string) => string];

const series = (step: string, own: string): string => `select v.title from generate_series(p_from, p_to, ${step}) as day
    join public.visits v on v.happened_at >= day and v.happened_at < day + ${step} where ${own}`;

const functions: Counting[] = [
  ['by day', 'public.titles(p_from timestamptz, p_to timestamptz)', 'sql', (own) => series("interval '1 day'", own)],
  [
    'by minute, with the end first',
    'public.titles(p_to timestamptz, p_from timestamptz)',
    'sql',
    (own) => series("'1 minute'::interval", own),
  ],
  [
    'by date, in a recursive query',
    'public.titles(p_start date, p_end date)',
    'sql',
    (own) => `with recursive days as (select p_start as day union all select day + 1 from days where day < p_end)
      select v.title from days join public.visits v on v.happened_at::date = day where ${own}`,
  ],
  [
    'so many days, in a loop over numbers',
    'public.titles(p_days bigint)',
    'plpgsql',
    (own) => `begin for n in 0 .. p_days loop
      return query select v.title from public.visits v where v.happened_at::date = current_date - n::int and ${own};
      end loop; end`,
  ],
  [
    'until a day, in a loop with a condition',
    'public.titles(p_until timestamptz)',
    'plpgsql',
    (own) => `declare day date := current_date - 3; begin while day <= p_until loop
      return query select v.title from public.visits v where v.happened_at::date = day and ${own}; day := day + 1;
      end loop; end`,
  ],
  [
    'in SQL that is made of texts',
    'public.titles(p_from timestamptz, p_to timestamptz)',
    'plpgsql',
    (
      own,
    ) => `begin return query execute format('select v.title from generate_series(%L::timestamptz, %L::timestamptz, %L) as day
      join public.visits v on v.happened_at::date = day::date where ${own}', p_from, p_to, '1 day'); end`,
  ],
];

describe.each(sampleOf(functions, 2))('%s', (_name, signature, language, body) => {
  const made = (own: string): string => `${visits} ${callable(signature, 'setof text', body(own), language)}`;
  const types = signature.replace(/p_\w+ /g, '').replaceAll('timestamptz', 'timestamp with time zone');

  it('gives rows of others', async () => {
    expect(await prove(made('true'))).toContain(`isolation-read ${types}`);
  });
  it("gives the caller's own", async () => {
    expect(await prove(made('v.owner_id = auth.uid()'))).toEqual([]);
  });
});

it.each([
  ['longer than is worth the wait', 'pg_sleep(30)', ['not-proven public.titles(integer)']],
  ['as long as it is told', 'pg_sleep(p_pause)', ['not-proven public.titles(integer)']],
  ['until some time', "pg_sleep_for('1 hour')", ['not-proven public.titles(integer)']],
  ['for a moment', 'pg_sleep(0.01)', ['isolation-read public.titles(integer)']],
])('a function that waits %s', async (_name, pause, errors) => {
  const body = `begin perform ${pause}; return query select title from public.visits; end`;
  const sql = `${visits} ${callable('public.titles(p_pause int)', 'setof text', body, 'plpgsql')}`;
  expect(await prove(sql)).toEqual(errors);
  const [finding] = (await report(sql)).findings.filter(({ rule }) => rule === 'not-proven');
  if (finding !== undefined) expect(finding.message).toContain('it waits (pg_sleep)');
});
