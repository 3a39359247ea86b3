import type { SupabaseAnswers } from '../create/answers.ts';
import type { Ask } from './ask.ts';
import type { ParsedArguments } from './parse.ts';
import type { CommandContext } from './run.ts';

/** A day, in seconds: no project takes longer than that to start. */
const longestWait = 86_400;

/**
 * The flags about Supabase, as answers; what was not typed is not there.
 * @throws MuseError `bad-flag` for a time that is not a number of seconds
 */
export function supabaseAnswers(typed: ParsedArguments): SupabaseAnswers {
  const given = {
    organization: typed.text('org'),
    region: typed.text('region'),
    size: typed.text('size'),
    siteUrl: typed.text('site-url'),
    adminEmail: typed.text('admin-email'),
    projectRef: typed.text('project-ref'),
    waitTimeout: typed.seconds('wait-timeout', longestWait),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Asks for organization, region and first admin, with the choices that the token can see; for nothing where a project is adopted. */
export async function askSupabase(
  given: SupabaseAnswers,
  ask: Ask,
  { environment }: CommandContext,
): Promise<SupabaseAnswers> {
  if (given.projectRef !== undefined) return given;
  const { organizationChoices, regionChoices } = await import('../targets/choices.ts');
  const organizations = given.organization === undefined ? await organizationChoices(environment) : [];
  const organization =
    given.organization ??
    (organizations.length === 1 ? organizations[0]?.value : undefined) ??
    (await ask.one('Organization:', organizations));
  const region = given.region ?? (await ask.one('Region:', await regionChoices(environment, organization)));
  const adminEmail =
    given.adminEmail ?? (await ask.text('Email address of the first admin (empty for none):', { default: '' }));
  return { ...given, organization, region, ...(adminEmail === '' ? {} : { adminEmail }) };
}
