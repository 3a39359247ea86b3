import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take 20 seconds or more, the longest first: one that began last would keep a single worker busy at the end. */
const slow = [
  'create/supabase.test.ts',
  'api/page.test.ts',
  'muse/fix.test.ts',
  'database/embedded/postgis.test.ts',
  'templates/app.test.ts',
  'portfolio/migrate.test.ts',
  'cli/muse.test.ts',
  'cli/create-muse.test.ts',
  'create/tenancy.test.ts',
  'cli/kits.test.ts',
  'cli/layouts.test.ts',
  'portfolio/provision.test.ts',
  'rehearsal/rehearse.test.ts',
  'cli/workflow.test.ts',
  'create/init-failed.test.ts',
  'cli/environments.test.ts',
  'verify/cases.test.ts',
  'cli/fix.test.ts',
  'portfolio/page-in-browser.test.ts',
  'dev/dashboard.test.ts',
  'muse/migrate-proof.test.ts',
  'create/resume.test.ts',
  'kit/fetch-hostile.test.ts',
  'supabase/faults.test.ts',
  'cli/interrupt-waits.test.ts',
  'muse/unreadable.test.ts',
  'cli/interrupt.test.ts',
  'supabase/configure.test.ts',
  'portfolio/kill.test.ts',
  'create/history.test.ts',
  'muse/core-snapshot.test.ts',
  'verify/refused-writes.test.ts',
  'verify/very-large.test.ts',
  'muse/production.test.ts',
  'muse/seed.test.ts',
  'kit/fetch-network.test.ts',
  'verify/mutation-models.test.ts',
  'api/muse.test.ts',
  'muse/certificate.test.ts',
  'verify/mutation.test.ts',
  'cli/dry-run.test.ts',
  'cli/start-app.test.ts',
  'create/proof.test.ts',
  'dev/survival.test.ts',
  'database/embedded/directory.test.ts',
  'muse/offline-supabase.test.ts',
  'create/supabase-kill.test.ts',
  'dev/realtime.test.ts',
  'rules/fix-equal.test.ts',
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
