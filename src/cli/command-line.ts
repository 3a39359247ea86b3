import type { Answers } from '../create/answers.ts';
import { shellPath, shellWord } from '../shared/shell.ts';
import { defaultTarget } from '../targets/target.ts';
import { relative, resolve } from 'node:path';

/**
 * The command that gives the same answers without a question, for a shell; what is a secret comes from the environment.
 * @param directory absolute path that the command is run in
 */
export function commandLine(answers: Answers, directory: string): string {
  const words: string[] = ['create-muse', answers.name];
  const flag = (name: string, value: string | undefined): void => {
    if (value !== undefined) words.push(`--${name}`, shellWord(value));
  };
  const path = (name: string, value: string | undefined): void => {
    if (value !== undefined) words.push(`--${name}`, shellPath(relative(directory, value) || '.'));
  };
  const mark = (name: string, on: boolean | undefined): void => {
    if (on === true) words.push(`--${name}`);
  };
  if (answers.kit !== 'builtin') flag('kit', answers.kit);
  flag('ref', answers.ref);
  for (const folder of answers.core ?? []) flag('core', folder);
  for (const folder of answers.extensions ?? []) flag('extensions', folder);
  if (answers.kitExtensions !== 'archive') flag('kit-extensions', answers.kitExtensions);
  for (const module of answers.without ?? []) flag('without', module);
  mark('fix', answers.fix);
  mark('allow-widening', answers.allowWidening);
  if (answers.directory !== resolve(directory, answers.name)) path('dir', answers.directory);
  for (const preset of answers.presets) flag('preset', preset);
  for (const table of answers.tables) flag('table', table);
  path('spec', answers.spec);
  if (answers.prefix !== '') flag('prefix', answers.prefix);
  flag('tenancy', answers.tenancy);
  if (answers.target !== defaultTarget) flag('target', answers.target);
  mark('supabase-baseline', answers.supabaseBaseline);
  const { organization, region, size, siteUrl, adminEmail, projectRef, waitTimeout } = answers.supabase;
  flag('org', organization);
  flag('region', region);
  flag('size', size);
  flag('site-url', siteUrl);
  flag('admin-email', adminEmail);
  flag('project-ref', projectRef);
  flag('wait-timeout', waitTimeout === undefined ? undefined : String(waitTimeout));
  path('db-ca', answers.databaseCa);
  mark('no-verify', answers.verify === false);
  mark('no-git', answers.git === false);
  mark('install', answers.install);
  words.push('--yes');
  return words.join(' ');
}
