/** What is found of the jobs of pg_cron, and what is not proven of them. */
import type { Finding } from '../../shared/finding.ts';
import { titleOf } from '../catalog/jobs.ts';
import { rowsOfA } from '../probes/labels.ts';
import type { JobResult } from '../probes/jobs.ts';
import type { Proof } from '../probes/prove.ts';
import { makeFinding } from './make-finding.ts';
import type { Gap } from './report.ts';

/** A finding for each table that shows what a job has copied into it, or that a job opens. */
export function jobFindings({ jobs, actors }: Proof): Finding[] {
  return jobs.flatMap((result): Finding[] => {
    const title = titleOf(result.job);
    const about = (numbers: readonly number[]): { who: string; isAnonymous: boolean } => {
      const all = [...new Set(numbers)].map((number) => actors[number]!);
      return { who: all.map(({ name }) => name).join(', '), isAnonymous: all.every((actor) => actor.isAnonymous) };
    };
    const copies = [...new Set(result.copies.map(({ target }) => target))].map((target) => {
      const of = result.copies.filter((one) => one.target === target);
      const { who, isAnonymous } = about(of.map(({ actor }) => actor));
      const sources = [...new Set(of.flatMap((one) => one.sources))].join(', ');
      return makeFinding(
        isAnonymous ? 'anon-read' : 'isolation-read',
        target,
        `${target}: ${title} copies rows of ${sources} into it, where ${who} reads them.`,
        `Let ${title} copy only what all who read ${target} may know, or narrow the policies of ${target}.`,
      );
    });
    const opened = [...new Set(result.opened.map(({ object }) => object))].map((object) => {
      const { who } = about(result.opened.filter((one) => one.object === object).map(({ actor }) => actor));
      const targets = result.targets.map(({ name }) => name).join(', ');
      return makeFinding(
        'isolation-escalation',
        object,
        `${object}: after ${title} has run, which writes ${targets}, ${who} reads rows of others there.`,
        `Let ${title} write into ${targets} only what its users may have, whatever they have written into what it reads.`,
      );
    });
    return [...copies, ...opened];
  });
}

/** A gap for each table into which a job may copy rows of another, and of which that was not seen. */
export function jobGaps(proof: Proof): Gap[] {
  return proof.jobs.flatMap((result): Gap[] => {
    const why = whyUnseen(result);
    if (why === undefined || result.copies.length > 0) return [];
    const title = titleOf(result.job);
    const shown = result.targets.filter((target) => isShown(target.name, proof));
    return shown.flatMap((target): Gap[] => {
      const sources = result.sources.filter((source) => source !== target).map(({ name }) => name);
      return sources.length === 0
        ? []
        : [
            {
              object: target.name,
              reason: `${title} may copy rows of ${sources.join(', ')} into it, where others read them, and ${why}`,
              suggestion:
                `Run by hand what ${title} runs, with a row of another, and look at ${target.name} as a user who ` +
                'may not read that row.',
            },
          ];
    });
  });
}

function whyUnseen({ skipped, error, isSeen }: JobResult): string | undefined {
  if (skipped !== undefined) return `was not run: ${skipped}`;
  if (error !== undefined) return `could not be run: ${error.message} (${error.code})`;
  return isSeen ? undefined : 'changed nothing with the rows that were tried';
}

/** A stranger reads rows of A in it. */
function isShown(name: string, { actors, probes, answer }: Proof): boolean {
  return answer.cells.some(
    (cell) =>
      probes[cell.probe]!.subject === name &&
      probes[cell.probe]!.verb === 'select' &&
      probes[cell.probe]!.mode === 'read' &&
      actors[cell.actor]!.relation === 'none' &&
      !('code' in cell) &&
      rowsOfA(cell.answer) !== '',
  );
}
