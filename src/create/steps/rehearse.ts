import { readMigrations } from '../../migrations/read.ts';
import { type CreateContext, needed } from '../context.ts';
import { examine, refuseErrors } from '../examine.ts';
import type { Step } from '../step.ts';

/** Runs everything on a throw-away database, twice and back, and checks what came of it. */
export const rehearseStep: Step<Pick<CreateContext, 'stage' | 'throwAway' | 'museFile' | 'findings' | 'proven' | 'notes' | 'answers' | 'target'>> = {
  id: 'rehearse',
  title: 'Rehearse on a throw-away database',
  async run(context) {
    const museFile = needed(context.museFile, 'muse.json');
    const files = await readMigrations(context.stage, museFile.migrations);
    const database = await context.throwAway();
    // Opening the target takes a core's time that the rehearsal leaves free.
    if (context.answers.target === 'embedded') void context.target().catch(() => undefined);
    const { findings, rehearsal, silenced } = await examine(database, files, museFile);
    refuseErrors(findings, 'Nothing was provisioned, and nothing was left behind.');
    context.findings.push(...findings);
    if (silenced > 0) context.notes.push(`${silenced} findings are silenced by comments in the SQL.`);
    context.proven.push(`${files.migrations.length} migrations run, and run again change nothing`);
    if (rehearsal.rolledBack.length > 0) context.proven.push('the extension can be taken back without a trace');
    return `${files.migrations.length} files, forwards, again and back`;
  },
};
