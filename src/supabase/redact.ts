/** What is shown of a request or an answer: shapes and names, never a token, key or password. */

/** Names of fields that hold a secret, or text that may hold one (SQL). */
const hiddenFields = /pass(?:word)?$|^api_?key$|secret|token|^query$|^parameters$/i;

/** Forms of tokens and keys that are never shown, wherever they stand. */
const hiddenForms = /\bsbp_[A-Za-z0-9_]{8,}|\bsb_(?:secret|publishable)_[\w-]{6,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g;

/** The body with every secret field as `***`. */
export function redactBody(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(redactBody);
  if (typeof body !== 'object' || body === null) return typeof body === 'string' ? redactText(body) : body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, hiddenFields.test(key) ? '***' : redactBody(value)]),
  );
}

/** The text without what looks like a token or key, and without the texts in `secrets`. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  const known = secrets.filter((value) => value.length >= 4).reduce((rest, value) => rest.replaceAll(value, '***'), text);
  return known.replace(hiddenForms, '***');
}

/** Every string in a secret field of the body, so that an answer that echoes it can be cleaned. */
export function secretsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, value]) =>
    typeof value === 'string' ? (hiddenFields.test(key) && key !== 'query' ? [value] : []) : secretsOf(value),
  );
}
