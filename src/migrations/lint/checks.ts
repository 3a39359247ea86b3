import { grantMissing, policyAlwaysTrue, policyMissing, policyWithoutRole, rlsMissing } from './access.ts';
import type { Check } from './check.ts';
import { foreignDialect } from './dialect.ts';
import { notIdempotent } from './idempotence.ts';
import { fkWithoutIndex, policyColumnWithoutIndex } from './indexes.ts';
import { extensionAltersCore, extensionBreaksCore } from './layers.ts';
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
  grantMissing,
  fkWithoutIndex,
  policyColumnWithoutIndex,
  definerWithoutSearchPath,
  rollbackMissing,
];
