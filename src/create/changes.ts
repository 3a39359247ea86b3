import { MuseError } from '../shared/error.ts';
import type { SupabaseAnswers } from './answers.ts';
import { type Journal, redo, redoFrom } from './journal.ts';

/** Answers that may change when a run is resumed; what is left out stays as it was. */
export interface Changes {
  supabase?: SupabaseAnswers;
  databaseCa?: string;
}

/** Answers that decide which project it is. */
const choosing = ['organization', 'region', 'size', 'projectRef'] as const;
/** Answers that the step `configure` uses. */
const configuring = ['siteUrl', 'adminEmail'] as const;

/**
 * Puts changed answers into the journal, and makes the steps run again that depend on them.
 * @throws MuseError `bad-change` for a choice about a project that exists, or may exist
 */
export function takeChanges(journal: Journal, { supabase = {}, databaseCa }: Changes): void {
  const { answers, data } = journal;
  const differs = (key: keyof SupabaseAnswers): boolean =>
    supabase[key] !== undefined && supabase[key] !== answers.supabase[key];
  const chosen = choosing.filter(
    (key) => differs(key) && !(key === 'projectRef' && supabase.projectRef === data.project?.ref),
  );
  if (chosen.length > 0) {
    const { project } = data;
    if (project?.ref !== undefined)
      throw badChange(
        journal,
        chosen,
        `the project ${project.ref} exists`,
        `To get another one instead, delete it first: muse destroy --confirm ${project.ref}`,
      );
    const doubtful = project?.intent !== undefined && project.intent.refused !== true;
    if (doubtful && supabase.projectRef === undefined) {
      throw badChange(
        journal,
        chosen,
        'a request that was sent may have created the project',
        'Resume without it, which looks for that project first; or name a project to use: --project-ref <ref>',
      );
    }
    delete data.project;
    redo(journal, 'cloud-preflight');
    redoFrom(journal, 'project');
  }
  // The run found this project by searching; its owner confirms that it is the right one.
  if (data.project?.ref !== undefined && data.project.ref === supabase.projectRef) {
    data.project.adopted = true;
    delete data.project.settled;
  }
  if (configuring.some(differs)) redoFrom(journal, 'configure');
  Object.assign(answers.supabase, supabase);
  if (databaseCa !== undefined) answers.databaseCa = databaseCa;
}

const flags: Record<(typeof choosing)[number], string> = {
  organization: '--org',
  region: '--region',
  size: '--size',
  projectRef: '--project-ref',
};

function badChange(
  { answers }: Journal,
  keys: readonly (typeof choosing)[number][],
  why: string,
  suggestion: string,
): MuseError {
  return new MuseError({
    code: 'bad-change',
    message: `${keys.map((key) => flags[key]).join(' and ')} cannot be changed for ${answers.name}: ${why}.`,
    suggestion: `${suggestion}.`,
  });
}
