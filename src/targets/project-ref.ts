import { MuseError } from '../shared/error.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';

/** The ref of the existing project. */
export function refOf(project: { ref?: string } | undefined): string {
  if (project?.ref !== undefined) return project.ref;
  throw new MuseError({
    code: 'project-missing',
    message: 'This muse has no Supabase project yet.',
    suggestion: 'Create one: muse provision --org <slug>. Or use an existing one: muse provision --project-ref <ref>.',
  });
}

/** The project's name at Supabase: names are unique in an organization, so it includes the environment, except for development. */
export function projectNameOf({ name, environment }: { name: string; environment: EnvironmentName }): string {
  return environment === 'development' ? name : `${name}-${environment}`;
}
