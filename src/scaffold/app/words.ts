/** Names of tables and columns as people write them, and as TypeScript names its values. */

/** Words that are written in capitals. */
const capitals = new Set([
  'api',
  'crm',
  'csv',
  'faq',
  'html',
  'id',
  'ip',
  'mls',
  'pdf',
  'sku',
  'sms',
  'sql',
  'url',
  'vat',
]);

/** Within a sentence: `mls_listings` is `MLS listings`. */
export function phrase(name: string): string {
  const words = name.split('_').filter((word) => word !== '');
  return words.map((word) => (capitals.has(word) ? word.toUpperCase() : word)).join(' ') || name;
}

/** As a heading. */
export function label(name: string): string {
  const [first = '', ...rest] = [...phrase(name)];
  return first.toUpperCase() + rest.join('');
}

/** One of what the name counts, in English: `activities` is `activity`. */
export function singular(text: string): string {
  if (/[^aeiou]ies$/i.test(text)) return text.replace(/ies$/i, 'y');
  if (/(s|x|z|ch|sh)es$/i.test(text)) return text.slice(0, -2);
  return /[^su]s$/i.test(text) && !/is$/i.test(text) ? text.slice(0, -1) : text;
}

/** Words that TypeScript does not take as the name of a value, or that the generated files use themselves. */
const reserved = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected public ' +
    'return static super switch this throw true try typeof undefined var void while with yield defineTable fieldsOf'
  ).split(' '),
);

/** As the name of a value: `deal_comments` is `dealComments`. */
export function valueName(name: string): string {
  const camel = componentName(name);
  const [first = '', ...rest] = [...camel];
  const value = first.toLowerCase() + rest.join('');
  return reserved.has(value) ? `${value}Table` : value;
}

/** As the beginning of the names of components: `deal_comments` is `DealComments`. */
export function componentName(name: string): string {
  const parts = name.split('_').filter((part) => part !== '');
  const joined = parts
    .map((part) => {
      const [first = '', ...rest] = [...part];
      return first.toUpperCase() + rest.join('');
    })
    .join('');
  // A component begins with a capital, and a script without capitals has none.
  return /^\p{Lu}/u.test(joined) ? joined : `Table${joined}`;
}
