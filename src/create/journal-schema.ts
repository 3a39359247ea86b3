import { exactOptional, type InferOutput } from 'valibot';
import { exactly, list, name, number, oneOf, openObject, text, yesOrNo } from '../shared/schema.ts';
import { project as apiProject, regionSelection } from '../supabase/types.ts';
import { targetKinds } from '../targets/kinds.ts';

/** The Supabase project of a run, as far as it is known. */
export type JournalProject = InferOutput<typeof project>;
const project = openObject({
  organization: name('the slug of an organization'),
  /** The region or group that is asked for. */
  selection: exactOptional(regionSelection),
  size: exactOptional(text()),
  /** Written before the request that creates it, so that an answer that never came can be settled. */
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
  /** Written as soon as it is known. */
  ref: exactOptional(apiProject.entries.ref),
  region: exactOptional(text()),
  settled: exactOptional(oneOf(['answered', 'found'])),
  /** It ended as INIT_FAILED and the user agreed: it is deleted, whatever happens meanwhile, and created again. */
  failed: exactOptional(exactly(true, 'Leave it out.')),
  /** It was there before, and was named by `--project-ref`. */
  adopted: exactOptional(yesOrNo()),
  /** The admin is being created: nobody knows a password that was to be shown once. */
  adminBegun: exactOptional(yesOrNo()),
});

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
});
