import { grantMissing, policyAlwaysTrue, policyMissing, policyWithoutRole, rlsMissing } from './access.ts';
import type { Check } from './check.ts';
import { foreignDialect } from './dialect.ts';
import { swallowedException } from './exceptions.ts';
import { notIdempotent } from './idempotence.ts';
import { fkWithoutIndex, policyColumnWithoutIndex } from './indexes.ts';
import { extensionAltersCore, extensionBreaksCore } from './layers.ts';
import { personalDataLiteral, secretColumn, secretLiteral } from './literals.ts';
import { policyPerRowCall } from './per-row.ts';
import { policyReadsAuthUsers, policyRecursive } from './recursion.ts';
import { tableRedefined } from './redefined.ts';
import { coreDependsOnExtension, unknownRelation, usedBeforeCreated } from './references.ts';
import { definerWithoutSearchPath, enumType, rollbackMissing } from './routines.ts';
import { missingHeader, policyIfNotExistsCheck, syntaxError, transactionControl } from './syntax.ts';

/** Every check of files. */
export const checks: readonly Check[] = [
  syntaxError,
  policyIfNotExistsCheck,
  foreignDialect,
  transactionControl,
  missingHeader,
  unknownRelation,
  usedBeforeCreated,
  coreDependsOnExtension,
  tableRedefined,
  notIdempotent,
  extensionAltersCore,
  extensionBreaksCore,
  enumType,
  rlsMissing,
  policyMissing,
  policyWithoutRole,
  policyAlwaysTrue,
  policyRecursive,
  policyReadsAuthUsers,
  policyPerRowCall,
  grantMissing,
  fkWithoutIndex,
  policyColumnWithoutIndex,
  definerWithoutSearchPath,
  swallowedException,
  secretLiteral,
  personalDataLiteral,
  secretColumn,
  rollbackMissing,
];
