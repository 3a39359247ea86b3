/**
 * Private channels of Realtime: who can receive and send on which topic, according to the policies of
 * `realtime.messages`.
 */
import type { Ways } from '../catalog/ways-query.ts';
import { namedIn } from '../catalog/effects.ts';
import type { Model } from '../catalog/model.ts';
import type { Person } from '../fixtures/people.ts';
import { constantOf, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { type Actor, triesAll } from './actors.ts';
import type { NamedProbe } from './probes.ts';
import type { Subject } from './subject.ts';

/** The table whose policies Realtime evaluates. */
export const realtimeMessages = 'realtime.messages';

/** A probe of one topic. */
interface TopicProbe extends NamedProbe {
  /** Whether it contains an ID of A. Otherwise it is a name from the policies, which is public. */
  isOfA: boolean;
}

/** Returns whether a probe uses a topic with an ID of A. */
export function isOfA(probe: NamedProbe): boolean {
  return 'isOfA' in probe && probe.isOfA === true;
}

/** Maximum number of topics to try: each is a query for every actor. */
const mostTopics = 120;

/**
 * Probes of the policies for every topic that can be built from their own texts and A's IDs, the way Realtime evaluates
 * them before a client joins: with the topic in a setting. Only the result matters, so no message is inserted.
 */
export function topicProbes(
  topics: Ways['topics'],
  subjects: readonly Subject[],
  people: readonly Person[],
  actors: readonly Actor[],
  model: Model,
): TopicProbe[] {
  const names = topicNames(topics, subjects, people, model);
  return (['r', 'a'] as const).flatMap((command) => {
    const policies = topics.filter((policy) => policy.command === command || policy.command === '*');
    const roles = [...new Set(actors.map(({ role }) => role))];
    return roles.flatMap((role) => {
      const mine = policies.filter((policy) => policy.roles.includes(role) || policy.roles.includes('public'));
      const permissive = mine.filter((policy) => policy.permissive).map(({ expression }) => `(${expression})`);
      if (permissive.length === 0) return [];
      const all = [
        `(${permissive.join(' or ')})`,
        ...mine.filter((policy) => !policy.permissive).map(({ expression }) => `(${expression})`),
      ].join(' and ');
      const numbers = actors.flatMap((actor, number) => (actor.role === role && triesAll(actor) ? [number] : []));
      return names.map(({ topic, isOfA }): TopicProbe => ({
        subject: realtimeMessages,
        verb: command === 'r' ? 'select' : 'insert',
        mode: 'read',
        state: '',
        actors: numbers,
        isOfA,
        sql:
          `select case when set_config('realtime.topic', ${quoteLiteral(topic)}, true) is not null then case ` +
          `when ${all} then 'a' end end ` +
          `from (select ${quoteLiteral(topic)}::text as topic, 'broadcast'::text as extension, '{}'::jsonb as ` +
          "payload, 'muse'::text as event, true as private, " +
          'localtimestamp as updated_at, localtimestamp as inserted_at, gen_random_uuid() as id) as messages',
      }));
    });
  });
}

/** Topics as apps name them: an ID, or an ID after a text that the policies compare with. */
function topicNames(
  topics: Ways['topics'],
  subjects: readonly Subject[],
  people: readonly Person[],
  model: Model,
): { topic: string; isOfA: boolean }[] {
  const texts = new Set<string>();
  const named = new Set<string>();
  const readTexts = (trees: readonly unknown[]): void => {
    walk(trees, (type, node) => {
      if (type === 'A_Const') texts.add(String(constantOf({ A_Const: node }) ?? '').replace(/%.*$/, ''));
    });
  };
  const conditions = topics.map(({ expression }) => model.parse(expression));
  readTexts(conditions);
  walk(conditions, (type, node) => {
    if (type === 'RangeVar') named.add(String(node['relname']));
    if (type !== 'FuncCall') return;
    const name = nameParts(node['funcname']).at(-1);
    for (const routine of model.catalog.functions.filter((one) => one.name === name)) {
      for (const table of namedIn(routine, model.sources)) named.add(table);
      for (const one of model.sources.reached(routine)) readTexts(model.sources.body(one).trees);
    }
  });
  const ids = new Set([people[0]!.user, people[0]!.organization].filter((id) => id !== ''));
  for (const { kind, table, rows } of subjects) {
    if (kind !== 'table' || !named.has(table.name)) continue;
    // A table of members names what they are members of.
    const keys = table.constraints.flatMap(({ type, columns }) => (type === 'p' || type === 'f' ? columns : []));
    for (const name of new Set([...rows.a.key.map(([column]) => column), ...keys])) {
      const id = rows.a.values.get(name) ?? 'NULL';
      if (id !== 'NULL') ids.add(id.replace(/^'|'$/g, ''));
    }
  }
  const separators = [...texts].filter((text) => /^[^a-z0-9]$/i.test(text));
  const prefixes = [...texts].filter((text) => /[a-z]/i.test(text) && text.length < 40);
  const around = [
    '',
    ...separators.map((separator) => `topic${separator}`),
    ...prefixes.flatMap((prefix) =>
      ['', ':', '/', '-', '_', ...separators].map((separator) => `${prefix}${separator}`),
    ),
  ];
  const ofA = [...new Set(around)].flatMap((before) =>
    [...ids].map((id) => ({ topic: `${before}${id}`, isOfA: true })),
  );
  return [...prefixes.map((topic) => ({ topic, isOfA: false })), ...ofA].slice(0, mostTopics);
}
