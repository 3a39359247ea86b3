// Written by scripts/lists.js from the files of this folder: do not edit.
import { rule as anonRead } from './anon-read.ts';
import { rule as anonWrite } from './anon-write.ts';
import { rule as badFileName } from './bad-file-name.ts';
import { rule as checksumDrift } from './checksum-drift.ts';
import { rule as coreDependsOnExtension } from './core-depends-on-extension.ts';
import { rule as definerWithoutSearchPath } from './definer-without-search-path.ts';
import { rule as downSection } from './down-section.ts';
import { rule as duplicateNumber } from './duplicate-number.ts';
import { rule as enumType } from './enum-type.ts';
import { rule as extensionAltersCore } from './extension-alters-core.ts';
import { rule as extensionBreaksCore } from './extension-breaks-core.ts';
import { rule as extensionUnavailable } from './extension-unavailable.ts';
import { rule as fkWithoutIndex } from './fk-without-index.ts';
import { rule as foreignDialect } from './foreign-dialect.ts';
import { rule as grantMissing } from './grant-missing.ts';
import { rule as historyIncomplete } from './history-incomplete.ts';
import { rule as isolationEscalation } from './isolation-escalation.ts';
import { rule as isolationInsert } from './isolation-insert.ts';
import { rule as isolationRead } from './isolation-read.ts';
import { rule as isolationReassign } from './isolation-reassign.ts';
import { rule as isolationWrite } from './isolation-write.ts';
import { rule as missingHeader } from './missing-header.ts';
import { rule as notIdempotent } from './not-idempotent.ts';
import { rule as notProven } from './not-proven.ts';
import { rule as numberGap } from './number-gap.ts';
import { rule as ownerLockedOut } from './owner-locked-out.ts';
import { rule as personalDataLiteral } from './personal-data-literal.ts';
import { rule as policyAlwaysTrue } from './policy-always-true.ts';
import { rule as policyColumnWithoutIndex } from './policy-column-without-index.ts';
import { rule as policyError } from './policy-error.ts';
import { rule as policyIfNotExists } from './policy-if-not-exists.ts';
import { rule as policyMissing } from './policy-missing.ts';
import { rule as policyPerRowCall } from './policy-per-row-call.ts';
import { rule as policyReadsAuthUsers } from './policy-reads-auth-users.ts';
import { rule as policyRecursive } from './policy-recursive.ts';
import { rule as policyTrustsUserMetadata } from './policy-trusts-user-metadata.ts';
import { rule as policyWithoutRole } from './policy-without-role.ts';
import { rule as psqlCommand } from './psql-command.ts';
import { rule as revokeWithoutEffect } from './revoke-without-effect.ts';
import { rule as rlsMissing } from './rls-missing.ts';
import { rule as rollbackEmpty } from './rollback-empty.ts';
import { rule as rollbackIncomplete } from './rollback-incomplete.ts';
import { rule as rollbackMissing } from './rollback-missing.ts';
import { rule as schemaDrift } from './schema-drift.ts';
import { rule as secretColumn } from './secret-column.ts';
import { rule as secretLiteral } from './secret-literal.ts';
import { rule as seedNotIdempotent } from './seed-not-idempotent.ts';
import { rule as softDeleteRefused } from './soft-delete-refused.ts';
import { rule as statementFailed } from './statement-failed.ts';
import { rule as swallowedException } from './swallowed-exception.ts';
import { rule as syntaxError } from './syntax-error.ts';
import { rule as tableMissing } from './table-missing.ts';
import { rule as tableRedefined } from './table-redefined.ts';
import { rule as templateFile } from './template-file.ts';
import { rule as transactionControl } from './transaction-control.ts';
import { rule as transactionMixed } from './transaction-mixed.ts';
import { rule as unknownRelation } from './unknown-relation.ts';
import { rule as unreadableFile } from './unreadable-file.ts';
import { rule as usedBeforeCreated } from './used-before-created.ts';
import type { Rule } from './engine/rule.ts';
import type { RuleName } from './names.ts';

/** Every rule by its name. */
export const rules: Readonly<Record<RuleName, Rule>> = {
  'anon-read': anonRead,
  'anon-write': anonWrite,
  'bad-file-name': badFileName,
  'checksum-drift': checksumDrift,
  'core-depends-on-extension': coreDependsOnExtension,
  'definer-without-search-path': definerWithoutSearchPath,
  'down-section': downSection,
  'duplicate-number': duplicateNumber,
  'enum-type': enumType,
  'extension-alters-core': extensionAltersCore,
  'extension-breaks-core': extensionBreaksCore,
  'extension-unavailable': extensionUnavailable,
  'fk-without-index': fkWithoutIndex,
  'foreign-dialect': foreignDialect,
  'grant-missing': grantMissing,
  'history-incomplete': historyIncomplete,
  'isolation-escalation': isolationEscalation,
  'isolation-insert': isolationInsert,
  'isolation-read': isolationRead,
  'isolation-reassign': isolationReassign,
  'isolation-write': isolationWrite,
  'missing-header': missingHeader,
  'not-idempotent': notIdempotent,
  'not-proven': notProven,
  'number-gap': numberGap,
  'owner-locked-out': ownerLockedOut,
  'personal-data-literal': personalDataLiteral,
  'policy-always-true': policyAlwaysTrue,
  'policy-column-without-index': policyColumnWithoutIndex,
  'policy-error': policyError,
  'policy-if-not-exists': policyIfNotExists,
  'policy-missing': policyMissing,
  'policy-per-row-call': policyPerRowCall,
  'policy-reads-auth-users': policyReadsAuthUsers,
  'policy-recursive': policyRecursive,
  'policy-trusts-user-metadata': policyTrustsUserMetadata,
  'policy-without-role': policyWithoutRole,
  'psql-command': psqlCommand,
  'revoke-without-effect': revokeWithoutEffect,
  'rls-missing': rlsMissing,
  'rollback-empty': rollbackEmpty,
  'rollback-incomplete': rollbackIncomplete,
  'rollback-missing': rollbackMissing,
  'schema-drift': schemaDrift,
  'secret-column': secretColumn,
  'secret-literal': secretLiteral,
  'seed-not-idempotent': seedNotIdempotent,
  'soft-delete-refused': softDeleteRefused,
  'statement-failed': statementFailed,
  'swallowed-exception': swallowedException,
  'syntax-error': syntaxError,
  'table-missing': tableMissing,
  'table-redefined': tableRedefined,
  'template-file': templateFile,
  'transaction-control': transactionControl,
  'transaction-mixed': transactionMixed,
  'unknown-relation': unknownRelation,
  'unreadable-file': unreadableFile,
  'used-before-created': usedBeforeCreated,
};
