/** Saves a value as a JSON file, where the browser puts downloads. */
export function saveJson(name: string, value: unknown): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: 'application/json' }));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  // Some browsers only begin to read it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
