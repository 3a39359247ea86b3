import { exactOptional, type InferOutput } from 'valibot';
import { exactly, list, name, number, oneOf, openObject, text, yesOrNo } from '../shared/schema.ts';
import { project as apiProject, regionSelection } from '../supabase/types.ts';
import { targetKinds } from '../targets/kinds.ts';

/** The Supabase project of a run, as far as it is known. */
export type JournalProject = InferOutput<typeof project>;
const project = openObject({
  organization: name('the slug of an organization'),
  /** The region or group of regions to ask for. */
  selection: exactOptional(regionSelection),
  size: exactOptional(text()),
  /** Written before the request that creates the project, so that a lost answer can be cleared up. */
  intent: exactOptional(
    openObject({
      name: name(),
      organization: name(),
      region: regionSelection,
      at: name('a time'),
      skewMs: number(),
      digest: name(),
      before: list(text()),
      refused: exactOptional(exactly(true, 'Leave it out.')),
    }),
  ),
  /** Written as soon as it is known. */
  ref: exactOptional(apiProject.entries.ref),
  region: exactOptional(text()),
  settled: exactOptional(oneOf(['answered', 'found'])),
  /** The project ended as INIT_FAILED and the user agreed to delete it and create it again. */
  failed: exactOptional(exactly(true, 'Leave it out.')),
  /** The project existed before and was named by `--project-ref`. */
  adopted: exactOptional(yesOrNo()),
  /** The admin is being created: if the run stopped there, nobody saw the password that was to be shown once. */
  adminBegun: exactOptional(yesOrNo()),
});

const applied = list(openObject({ layer: oneOf(['core', 'extension']), file: name(), ms: number() }));

/** The lists that the report is put together from. */
const output = openObject({
  proven: list(text()),
  notes: list(text()),
  findings: list(
    openObject({ rule: name(), severity: oneOf(['error', 'warning']), message: text(), suggestion: text() }),
  ),
  applied,
  skipped: list(openObject({ layer: oneOf(['core', 'extension']), file: name() })),
  matrix: exactOptional(name('a file name')),
});

/** What a resumed run relies on. Later versions may add to the rest of a journal. */
export const journalSchema = openObject({
  version: exactly(2, 'Use the version of create-muse that started the run.'),
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
  steps: list(openObject({ id: name(), status: oneOf(['started', 'done']), ms: exactOptional(number()), output })),
  data: openObject({
    commit: exactOptional(name()),
    core: exactOptional(name('a folder')),
    repository: exactOptional(oneOf(['own', 'existing', 'none'])),
    project: exactOptional(project),
    ahead: exactOptional(openObject({ applied, notes: list(text()) })),
  }),
  finished: exactOptional(yesOrNo()),
});
