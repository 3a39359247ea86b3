import type { SupabaseAnswers } from '../create/answers.ts';
import { MuseError } from '../shared/error.ts';
import { flagText, type ParsedArguments } from './parse.ts';

/**
 * The flags about Supabase, as answers; what was not typed is not there.
 * @throws MuseError `bad-flag` for a time that is no number
 */
export function supabaseAnswers(parsed: ParsedArguments): SupabaseAnswers {
  const texts = {
    organization: flagText(parsed, 'org'),
    region: flagText(parsed, 'region'),
    size: flagText(parsed, 'size'),
    siteUrl: flagText(parsed, 'site-url'),
    adminEmail: flagText(parsed, 'admin-email'),
    projectRef: flagText(parsed, 'project-ref'),
    waitTimeout: secondsOf(flagText(parsed, 'wait-timeout')),
  };
  return Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined));
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new MuseError({
    code: 'bad-flag',
    message: `--wait-timeout takes seconds, and "${text}" is no positive number.`,
    suggestion: 'Write --wait-timeout 600.',
  });
}
