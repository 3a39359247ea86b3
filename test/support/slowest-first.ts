import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take half a minute or more, the longest first: one that began last would keep a single worker busy at the end. */
const slow = [
  'create/supabase.test.ts',
  'rules/fix-equal.test.ts',
  'create/supabase-kill.test.ts',
  'create/resume.test.ts',
  'muse/fix.test.ts',
  'cli/muse.test.ts',
  'api/page.test.ts',
  'supabase/configure.test.ts',
  'verify/cases.test.ts',
  'rehearsal/rehearse.test.ts',
  'verify/mutation.test.ts',
  'muse/production.test.ts',
  'muse/offline.test.ts',
  'create/init-failed.test.ts',
  'muse/certificate.test.ts',
  'verify/functions.test.ts',
  'cli/environments.test.ts',
  'cli/kits.test.ts',
  'cli/create-muse.test.ts',
  'cli/fix.test.ts',
  'cli/dry-run.test.ts',
  'cli/interrupt.test.ts',
];

/** Runs the slow files first and the others in vitest's own order. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = slow.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return index === -1 ? slow.length : index;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
