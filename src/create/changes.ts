import { MuseError } from '../shared/error.ts';
import type { SupabaseAnswers } from './answers.ts';
import { type Journal, redoFrom } from './journal.ts';

/** What may be said anew when a run goes on; what is left out stays as it was. */
export interface Changes {
  supabase?: SupabaseAnswers;
  databaseCa?: string;
}

/** Answers that decide which project it is. */
const choosing = ['organization', 'region', 'size', 'projectRef'] as const;
/** Answers that configuring takes. */
const configuring = ['siteUrl', 'adminEmail'] as const;

/**
 * Takes what was said anew into the journal, and has the steps run again that it concerns.
 * @throws MuseError `bad-change` where it concerns a project that is made, or may be
 */
export function takeChanges(journal: Journal, { supabase = {}, databaseCa }: Changes): void {
  const { answers, data } = journal;
  const differs = (key: keyof SupabaseAnswers): boolean => supabase[key] !== undefined && supabase[key] !== answers.supabase[key];
  const chosen = choosing.filter((key) => differs(key) && !(key === 'projectRef' && supabase.projectRef === data.project?.ref));
  if (chosen.length > 0) {
    const { project } = data;
    if (project?.ref !== undefined) throw badChange(journal, chosen, `the project ${project.ref} is there`, `To have another instead, delete it first: muse destroy --confirm ${project.ref}`);
    const doubtful = project?.intent !== undefined && project.intent.refused !== true;
    if (doubtful && supabase.projectRef === undefined) {
      throw badChange(journal, chosen, 'a request that was sent may have made the project', 'Go on without it, which looks for that project first; or take one knowingly: --project-ref <ref>');
    }
    delete data.project;
    redoOne(journal, 'cloud-preflight');
    redoFrom(journal, 'project');
  }
  // Found by looking only, and its owner says that it is the one.
  if (data.project?.ref !== undefined && data.project.ref === supabase.projectRef) {
    data.project.adopted = true;
    delete data.project.settled;
  }
  if (configuring.some(differs)) redoFrom(journal, 'configure');
  Object.assign(answers.supabase, supabase);
  if (databaseCa !== undefined) answers.databaseCa = databaseCa;
}

function redoOne(journal: Journal, id: string): void {
  journal.steps = journal.steps.filter((step) => step.id !== id);
}

const flags: Record<(typeof choosing)[number], string> = { organization: '--org', region: '--region', size: '--size', projectRef: '--project-ref' };

function badChange({ answers }: Journal, keys: readonly (typeof choosing)[number][], why: string, suggestion: string): MuseError {
  return new MuseError({
    code: 'bad-change',
    message: `${keys.map((key) => flags[key]).join(' and ')} cannot be changed for ${answers.name}: ${why}.`,
    suggestion: `${suggestion}.`,
  });
}
