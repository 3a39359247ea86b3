/** Searches for secrets where there must be none. */

/**
 * Patterns of the secrets that this tool handles: access tokens, project keys, JSON web tokens, URLs with a password.
 */
const forms: Record<string, RegExp> = {
  'access token': /\bsbp_(?:oauth_)?[a-f0-9]{40}\b/g,
  'secret key': /\bsb_secret_[\w-]{10,}/g,
  'JSON web token': /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g,
  'URL with a password': /\b[a-z][a-z+]*:\/\/[^\s:/@]+:(?!\*{3}|\[)[^\s@/]{4,}@/g,
};

/**
 * Returns the kind and position of each secret in the text; never the secret itself.
 * @param texts texts to search, by their names in the report
 * @param known secrets of this run (passwords, keys), searched verbatim and URL-encoded
 */
export function findSecrets(texts: Readonly<Record<string, string>>, known: readonly string[] = []): string[] {
  return Object.entries(texts).flatMap(([name, text]) => [
    ...Object.entries(forms).flatMap(([kind, form]) =>
      [...text.matchAll(form)].map((match) => `${name}: ${kind} at ${match.index}`),
    ),
    ...known
      .filter((value) => value.length >= 6)
      .flatMap((value) => [...new Set([value, encodeURIComponent(value), Buffer.from(value).toString('base64')])])
      .filter((value) => text.includes(value))
      .map((value) => `${name}: a secret of this run at ${text.indexOf(value)}`),
  ]);
}
