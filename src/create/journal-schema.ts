import { exactOptional, type GenericSchema } from 'valibot';
import { exactly, list, name, number, oneOf, openObject, text, yesOrNo } from '../shared/schema.ts';
import { project as apiProject, regionSelection } from '../supabase/types.ts';
import { targetKinds } from '../targets/kinds.ts';
import type { Journal, JournalProject } from './journal.ts';

const project = openObject({
  organization: name('the slug of an organization'),
  selection: exactOptional(regionSelection),
  size: exactOptional(text()),
  intent: exactOptional(openObject({
    name: name(),
    organization: name(),
    region: regionSelection,
    at: name('a time'),
    skewMs: number(),
    digest: name(),
    before: list(text()),
    refused: exactOptional(exactly(true, 'Leave it out.')),
  })),
  ref: exactOptional(apiProject.entries.ref),
  region: exactOptional(text()),
  settled: exactOptional(oneOf(['answered', 'found'])),
  failed: exactOptional(exactly(true, 'Leave it out.')),
  adopted: exactOptional(yesOrNo()),
  adminBegun: exactOptional(yesOrNo()),
}) satisfies GenericSchema<unknown, JournalProject>;

/** What a run that goes on relies on. The rest of a journal is for people, and for later versions to add to. */
export const journalSchema = openObject({
  version: exactly(1, 'Use the version of create-muse that began the run.'),
  pipeline: oneOf(['create', 'provision']),
  answers: openObject({
    name: name(),
    directory: name('a path'),
    kit: name(),
    presets: list(text()),
    tables: list(text()),
    prefix: text(),
    target: oneOf(targetKinds),
    environment: oneOf(['development', 'staging', 'production']),
    supabase: openObject({}),
  }),
  made: exactOptional(name('a path')),
  steps: list(openObject({ id: name(), status: oneOf(['started', 'done']), ms: exactOptional(number()) })),
  data: openObject({ commit: exactOptional(name()), project: exactOptional(project) }),
  finished: exactOptional(yesOrNo()),
}) satisfies GenericSchema<unknown, Pick<Journal, 'version' | 'pipeline' | 'made' | 'steps' | 'finished'>>;
