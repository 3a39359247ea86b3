import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take 20 seconds or more, the longest first: one that began last would keep a single worker busy at the end. */
const slow = [
  'api/page.test.ts',
  'create/supabase.test.ts',
  'muse/fix.test.ts',
  'cli/layouts.test.ts',
  'cli/muse.test.ts',
  'cli/kits.test.ts',
  'rehearsal/rehearse.test.ts',
  'portfolio/migrate.test.ts',
  'muse/offline.test.ts',
  'muse/production.test.ts',
  'cli/create-muse.test.ts',
  'create/supabase-kill.test.ts',
  'supabase/faults.test.ts',
  'portfolio/provision.test.ts',
  'cli/environments.test.ts',
  'verify/functions.test.ts',
  'cli/interrupt-waits.test.ts',
  'create/init-failed.test.ts',
  'kit/fetch-hostile.test.ts',
  'verify/cases.test.ts',
  'create/resume.test.ts',
  'create/tenancy.test.ts',
  'api/muse.test.ts',
  'cli/fix.test.ts',
  'cli/dry-run.test.ts',
  'database/embedded/embedded.test.ts',
  'cli/interrupt.test.ts',
  'dev/dashboard.test.ts',
  'cli/programs.test.ts',
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
