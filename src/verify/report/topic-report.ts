import { isDeclared } from '../../rules/engine/live/expectations.ts';
import type { Ways } from '../catalog/ways-query.ts';
import type { Proof } from '../probes/prove.ts';
import { isOfA, realtimeMessages } from '../probes/topics.ts';
import type { Check, Gap, TableReport } from './report.ts';

/**
 * The outcome for the topics: a line of the matrix, and a gap if the policies let no one in, which means that they
 * expect another kind of topic.
 */
export function topicReport(
  topics: Ways['topics'],
  { probes, answer, actors, model }: Pick<Proof, 'probes' | 'answer' | 'actors' | 'model'>,
): { reports: TableReport[]; gaps: Gap[] } {
  const admitted = answer.cells.flatMap((cell) => {
    const probe = probes[cell.probe]!;
    return probe.subject === realtimeMessages && !('code' in cell) && cell.answer !== ''
      ? [{ probe, actor: actors[cell.actor]! }]
      : [];
  });
  if (topics.length === 0 || !probes.some(({ subject }) => subject === realtimeMessages))
    return { reports: [], gaps: [] };
  const isPublic = isDeclared(model.declarations, realtimeMessages, 'public-read');
  const checks = (['select', 'insert'] as const).flatMap((verb) =>
    actors
      .filter(({ isMultiOrg }) => !isMultiOrg)
      .map((actor): Check => ({
        actor: actor.name,
        verb,
        expected: actor.relation === 'none' && !(isPublic && verb === 'select') ? 'no' : 'may',
        outcome: admitted.some((one) => one.actor === actor && one.probe.verb === verb && isOfA(one.probe))
          ? 'allowed'
          : 'filtered',
      })),
  );
  const gap: Gap = {
    object: realtimeMessages,
    reason: `no topic was found that ${topics.map(({ name }) => `policy ${name}`).join(' or ')} lets anyone into`,
    suggestion: 'Check by hand that the policy compares realtime.topic() with an ID that belongs to the current user.',
  };
  return {
    reports: [{ table: realtimeMessages, kind: 'table', scope: isPublic ? 'public-read, topic' : 'topic', checks }],
    gaps: admitted.length > 0 ? [] : [gap],
  };
}
