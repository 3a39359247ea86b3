import { checkCatalog } from '../../verify/catalog/catalog-check.ts';
import { type CreateContext, needed } from '../context.ts';
import { refuseErrors } from '../../muse/examine.ts';
import { expectationsOf } from '../../muse/declared-schema.ts';
import type { Step } from '../step.ts';

/** Looks at the target: is everything there that the files say, and closed as it should be? */
export const checkStep: Step<Pick<CreateContext, 'target' | 'files' | 'museFile' | 'proven'>> = {
  id: 'check',
  title: 'Check tables, policies and grants',
  async run(context) {
    const { migrations } = needed(context.files, 'The list of migrations');
    const expectations = await expectationsOf(migrations, context.museFile);
    const findings = await checkCatalog(await context.target(), expectations);
    refuseErrors(findings, 'The migrations are applied, but the database is not as it should be.');
    const tables = expectations.tables?.length ?? 0;
    context.proven.push(`${tables} tables are there, with row-level security, policies, grants and indexes`);
    return `${tables} tables`;
  },
};
