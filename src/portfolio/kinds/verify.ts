import { modelOf, verifyMuse } from '../../muse/verify.ts';
import { hasErrors } from '../../shared/finding.ts';
import type { Kind, Shared } from './kind.ts';
import { keyOfFiles } from './shared.ts';

/** Proves that tenants are isolated, as `muse verify` does; what the files alone allow is found out once for each set of them. */
export const verifyKind: Kind = {
  title: 'verify',
  waves: '100%',
  changes: false,
  needsEnvironment: true,
  async run({ environmentName, muse: { name }, open, variables, shared, signal }) {
    const muse = await open();
    const proof = await verifyMuse(muse, environmentName, variables, { signal, model: rememberModels(shared) });
    const errors = proof.findings.filter(({ severity }) => severity === 'error').length;
    const { proven, notProven, pending } = proof;
    const isolation = { proven, notProven, errors };
    const isProven = !hasErrors(proof.findings);
    const result = { ...isolation, pending: pending.length };
    const isWhole = isProven && notProven === 0 && pending.length === 0;
    const seen = { isolation, ...(isWhole ? { museState: 'verified' as const } : {}) };
    if (isProven) return { state: 'done', result, seen };
    const first = proof.findings.find(({ severity }) => severity === 'error')?.message ?? '';
    const error = {
      code: 'findings',
      message: `${errors} ${errors === 1 ? 'error' : 'errors'} in ${environmentName}: ${first}`,
      suggestion: `Read all of it in the directory of ${name}: muse verify --env ${environmentName}`,
    };
    return { state: 'failed', result, error, seen };
  },
};

function rememberModels(shared: Shared): typeof modelOf {
  return (museFile, files, signal) => {
    const { isolation, session, rules, prefix } = museFile;
    const key = keyOfFiles(files, isolation, session ?? null, rules ?? null, prefix);
    return shared.onShadow(`model ${key}`, () => modelOf(museFile, files, signal), signal);
  };
}
