import { MuseError } from '../shared/error.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';

/** The ref of a project that is there. */
export function refOf(project: { ref?: string } | undefined): string {
  if (project?.ref !== undefined) return project.ref;
  throw new MuseError({
    code: 'project-missing',
    message: 'This muse has no Supabase project yet.',
    suggestion: 'Make one: muse provision --org <slug>, or adopt one: muse provision --project-ref <ref>.',
  });
}

/** What Supabase calls the project: an organization has each name once, so that of another environment says which. */
export function projectNameOf({ name, environment }: { name: string; environment: EnvironmentName }): string {
  return environment === 'development' ? name : `${name}-${environment}`;
}
