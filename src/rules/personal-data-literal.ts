import { here } from './engine/check.ts';
import { literalsOf } from './engine/literals.ts';
import type { Rule } from './engine/rule.ts';

const email = /^[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}$/i;
/** Addresses that are reserved for examples (RFC 2606), or belong to a product rather than a person. */
const nobody =
  /@(?:example\.(?:com|org|net)|.*\.(?:example|test|invalid|localhost)|test\.com|localhost)$|^(?:no-?reply|support|info|hello|contact|billing|sales|team|help|security|privacy|legal)@/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export const rule: Rule = {
  name: 'personal-data-literal',
  severity: 'warning',
  found: ['static'],
  means: 'an email address or a user ID in SQL',
  doc: {
    why:
      "Someone's email address or user ID in a migration is copied into every clone of the kit, and can make a " +
      'stranger an administrator of it.',
    bad:
      '-- Admins.\n' +
      'CREATE TABLE IF NOT EXISTS admins (email text PRIMARY KEY);\n' +
      "INSERT INTO admins (email) VALUES ('jane.miller@gmail.com') ON CONFLICT DO NOTHING;",
    good:
      '-- Admins.\n' +
      'CREATE TABLE IF NOT EXISTS admins (email text PRIMARY KEY);\n' +
      "INSERT INTO admins (email) VALUES ('admin@example.com') ON CONFLICT DO NOTHING;",
  },
  check: {
    piece(piece, _, report) {
      for (const { text, location, column } of literalsOf(piece)) {
        const address = email.test(text) && !nobody.test(text);
        const user =
          uuid.test(text) && column !== undefined && /^(?:user|owner|profile|created_by|admin)(?:_id)?$/.test(column);
        if (!address && !user) continue;
        report({
          ...here(piece, location),
          message: address
            ? 'The SQL holds the email address of a person.'
            : `The SQL holds the id of one user, for column ${column}.`,
          suggestion: address
            ? "'admin@example.com', or insert the row when the product is set up."
            : 'Look the user up by a property, or insert the row when the product is set up.',
        });
      }
    },
  },
};
