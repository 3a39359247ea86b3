/** Words for a shell: commands that are printed can be pasted as they are. */

/** Letters, digits and signs that no shell gives a meaning of its own. */
const plain = /^[\p{L}\p{N}_@%+:,./-]+$/u;

/**
 * The text as one word of the user's shell: as it is where that is safe, else in quotes.
 * @param platform as `process.platform`: `cmd` and PowerShell know only double quotes as a rule that both share
 */
export function shellWord(text: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return /^[\p{L}\p{N}_@+:./\\-]+$/u.test(text) ? text : `"${text}"`;
  return plain.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A path as a word of the user's shell that no program takes for an option. */
export function shellPath(path: string, platform: NodeJS.Platform = process.platform): string {
  return shellWord(path.startsWith('-') ? `./${path}` : path, platform);
}
