/** Names of columns that hold what people would not tell everyone. The database does not know what is in a text. */

const addresses = /(^|_)(e_?mail|mail|courriel|correo|e_?post)(_?(address|adresse|addr))?$/;

const personal = /(^|_)(e_?mail|phone|mobile|iban|ssn|passport|birth_?(day|date)|date_of_birth)(_|$)/;

/** The same in other words and languages, where nothing else follows that they could tell of. */
const personalAtEnd = new RegExp(
  `(^|_)(${[
    'mail|courriel|correo|e_?post',
    '(tele|cell)phones?|tele(fon|fono|fone)|tel|cell|handy|mobil',
    'national_id|tax_?id|dob|geburts(tag|datum)|(date_de_)?naissance|(fecha_de_)?nacimiento',
  ].join('|')})(_?(number|num|no|nr|address|adresse|addr))?$`,
);

/** Says whether a column of that name holds email addresses: `email`, `contactEmail`, `courriel`. */
export function isAddressName(name: string): boolean {
  return addresses.test(words(name));
}

/** Says whether a column of that name holds personal data: `phone_number`, `dateOfBirth`. */
export function isPersonalName(name: string): boolean {
  return personal.test(words(name)) || personalAtEnd.test(words(name));
}

/** The words of a name, with underscores between them. */
function words(name: string): string {
  return name
    .replaceAll(/(\p{Ll}|\d)(\p{Lu})/gu, '$1_$2')
    .replaceAll(/[\s-]+/g, '_')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase();
}
