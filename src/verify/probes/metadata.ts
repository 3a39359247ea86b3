import type { Model } from '../catalog/model.ts';
import type { Person } from '../fixtures/people.ts';

const byArrow = /user_metadata'(?:::text)?\)*\s*->>?\s*'(\w+)'/g;
const byPath = /\{user_metadata,\s*(\w+)\}/g;

/**
 * What somebody writes into their own user_metadata, as everybody signed in may, to pass for another: each key that a policy or
 * function reads there, with that other's organization, id or a privileged role as its name asks for.
 */
export function forgedMetadata(model: Model, other: Person): Record<string, string> {
  const policies = model.catalog.relations.flatMap((row) => row.policies).map(({ using, check }) => `${using ?? ''} ${check ?? ''}`);
  const texts = [...policies, ...model.catalog.functions.map((routine) => routine.source)].filter((text) => text.includes('user_metadata'));
  const keys = texts.flatMap((text) => [byArrow, byPath].flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!)));
  return Object.fromEntries(keys.map((key) => [key, valueFor(key, other)]));
}

function valueFor(key: string, other: Person): string {
  if (/org|tenant|team|company|workspace|account/i.test(key)) return other.organization;
  if (/^is_/i.test(key)) return 'true';
  return /role/i.test(key) ? 'admin' : other.user;
}
