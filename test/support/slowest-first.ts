import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take 20 seconds or more, the longest first: one that began last would keep a single worker busy at the end. */
const slow = [
  'create/supabase.test.ts',
  'api/page.test.ts',
  'muse/offline.test.ts',
  'muse/fix.test.ts',
  'supabase/faults.test.ts',
  'muse/production.test.ts',
  'rehearsal/rehearse.test.ts',
  'cli/fix.test.ts',
  'cli/create-muse.test.ts',
  'create/init-failed.test.ts',
  'templates/app.test.ts',
  'portfolio/provision.test.ts',
  'create/supabase-kill.test.ts',
  'cli/muse.test.ts',
  'create/resume.test.ts',
  'cli/environments.test.ts',
  'portfolio/kill.test.ts',
  'portfolio/migrate.test.ts',
  'create/tenancy.test.ts',
  'cli/interrupt.test.ts',
  'kit/fetch-hostile.test.ts',
  'cli/layouts.test.ts',
  'cli/interrupt-waits.test.ts',
  'verify/functions.test.ts',
  'verify/function-ways.test.ts',
  'api/muse.test.ts',
  'muse/seed.test.ts',
  'supabase/configure.test.ts',
  'cli/programs.test.ts',
  'database/embedded/embedded.test.ts',
  'cli/dry-run.test.ts',
  'verify/cases.test.ts',
  'verify/designs.test.ts',
  'verify/kinds.test.ts',
  'cli/kits.test.ts',
  'muse/core-snapshot.test.ts',
  'create/history.test.ts',
  'muse/certificate.test.ts',
  'verify/isolation.test.ts',
  'dev/dashboard.test.ts',
  'portfolio/survival.test.ts',
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
