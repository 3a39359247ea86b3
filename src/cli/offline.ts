import type { OfflineReport } from '../muse/verify-offline.ts';
import { wrap } from '../shared/wrap.ts';

/** What a proof on a copy was taken with, as lines: what stood in for what, and what the copy lacks. */
export function offlineLines(environment: string, { standIns, notCopied }: OfflineReport, width: number): string[] {
  const list = (head: string, entries: readonly string[]): string[] =>
    entries.length === 0 ? [] : [head, ...entries.flatMap((entry) => wrap(entry, width - 4).map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`))];
  return [
    ...wrap(`Proven on a copy of the schema in the embedded database; ${environment} was only read.`, width),
    ...list('In the copy stand in:', standIns),
    ...list('Not copied:', notCopied.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`)),
  ];
}
