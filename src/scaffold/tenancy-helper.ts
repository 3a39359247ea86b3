import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { SessionTenancy } from '../shared/muse-file.ts';

const template = new URL('../../templates/tenancy/tenant.ts', import.meta.url);

/** How the helper begins; a file that begins so may be replaced by a newer one. */
export const helperStart = '/** Tenants, kept apart';

/**
 * The helper that the app sets variables with, in TypeScript, with the names of the muse in it.
 * @param session as `checkedSession` gives it: plain words, safe in a string
 */
export async function helperFile(session: SessionTenancy): Promise<string> {
  const text = (await readFile(fileURLToPath(template), 'utf8')).replaceAll('\r\n', '\n');
  const { role, superadminRole, organization, user, superadmin } = session;
  const entries = Object.entries({ role, superadminRole, organization, user, superadmin }).filter(([, value]) => value !== undefined);
  const lines = entries.map(([key, value]) => `  ${key}: '${value}',\n`).join('');
  return text
    .replace(/(const names: \{[^}]*\} = \{\n)[^}]*\};/, (_, head: string) => `${head}${lines}};`)
    .replace('`GRANT app_user, app_superadmin TO <role>`', `\`GRANT ${role}, ${superadminRole} TO <role>\``);
}
