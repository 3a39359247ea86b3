/** Claims with a value that alone opens rows of others: who has it is taken for the product's own staff, which only the author can say. */
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { isForUsers } from '../../rules/engine/live/policies.ts';
import { type ClaimRead, isFree } from '../catalog/claims.ts';
import { isCredential, isOptionalKey } from '../catalog/chance.ts';
import type { Model } from '../catalog/model.ts';
import { scopeOf } from '../catalog/scope.ts';
import type { Gap } from './report.ts';

/** The gaps of claims that are not declared to be those of staff: one for each claim and value, about the first table that it opens. */
export function staffClaimGaps(model: Model): Gap[] {
  const declared = new Set(model.declarations.flatMap(({ claim }) => claim ?? []));
  return model.claims.all
    .filter((claim) => claim.isSigned && claim.columns.length === 0 && !declared.has(claim.name))
    .flatMap((claim) => claim.constants.flatMap((constant) => gapOf(claim, constant, model)));
}

function gapOf(claim: ClaimRead, constant: ClaimRead['constants'][number], model: Model): Gap[] {
  if (isFree(claim, constant)) return [];
  const opened = constant.alone.filter(({ table, policy: name }) => {
    const policy = table.policies.find((one) => one.name === name);
    const scope = scopeOf(table, model);
    return (
      policy !== undefined &&
      isForUsers(policy, model.catalog) &&
      // One element of a list, as a role in any organization, says even less of whose a row is.
      (scope.owner !== undefined || claim.path.includes('0')) &&
      scope.kind !== 'public-read'
    );
  });
  const [first] = opened;
  if (first === undefined) return [];
  const others = [...new Set(opened.map(({ table }) => qualifiedName(table)))].slice(1);
  const value = `${claim.name} = '${String(constant.value)}'`;
  return [
    {
      object: qualifiedName(first.table),
      reason:
        `by its policy ${first.policy} the claim ${value} alone opens rows of everybody` +
        `${others.length === 0 ? '' : `, as in ${others.join(', ')}`}, and nobody but the owner was given it`,
      suggestion:
        `If only your own staff has ${value}, say so above the policy: -- muse: staff ${claim.name}. If it is a role ` +
        "inside an organization, compare the row's organization with the caller's as well.",
    },
  ];
}

/** The gaps of keys of links that requests name, by which a row is read, and which strangers were not given. */
export function linkKeyGaps(model: Model): Gap[] {
  const keys = model.claims.all
    .filter(({ isSigned }) => !isSigned)
    .flatMap((claim) =>
      claim.columns.flatMap(({ table, column: name }) => {
        const column = table.columns.find((one) => one.name === name);
        if (column === undefined) return [];
        if (isOptionalKey(column, table, model)) return [{ claim, table, name, what: 'the row' }];
        return isCredential(column, table, model, claim.readers)
          ? [{ claim, table, name, what: `rows of whom it stands for, as in ${listOf(claim.readers, table)}` }]
          : [];
      }),
    );
  // A claim may be compared with a column in several places.
  const each = new Map(keys.map((one) => [`${one.claim.name} ${qualifiedName(one.table)}.${one.name}`, one]));
  return [...each.values()].map(({ claim, table, name, what }) => ({
    object: qualifiedName(table),
    reason: `who knows what is in ${name} sends it as ${claim.name} and reaches ${what}, and strangers were not given it`,
    suggestion:
      `Fill ${name} with what nobody can guess, best by its default: encode(gen_random_bytes(16), 'hex'); and let ` +
      'nobody else read it.',
  }));
}

/** The first of the tables that a key opens. */
function listOf(readers: ReadonlySet<string>, table: RelationRow): string {
  return [...readers]
    .filter((name) => name !== qualifiedName(table))
    .slice(0, 3)
    .join(', ');
}
