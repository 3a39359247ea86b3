import { rm } from 'node:fs/promises';
import { fetchKit } from '../../kit/fetch.ts';
import { parseKitSource } from '../../kit/source.ts';
import type { CreateContext } from '../context.ts';
import type { Step } from '../step.ts';

/** Gets the kit into the stage, at the commit that a run before this one got, if there was one. */
export const fetchStep: Step<Pick<CreateContext, 'answers' | 'stage' | 'signal' | 'journal' | 'environment' | 'notes' | 'kit'>> = {
  id: 'kit',
  title: 'Fetch the kit',
  async run(context) {
    const { answers, stage, signal, journal, environment } = context;
    // What a crash left here was made by that run alone: the stage is made again from the start.
    await rm(stage, { recursive: true, force: true });
    const asked = parseKitSource(answers.kit, answers.ref);
    const source = asked.kind === 'builtin' || journal.data.commit === undefined ? asked : { ...asked, ref: journal.data.commit };
    const kit = await fetchKit(source, stage, { signal, environment });
    if (source.kind !== 'builtin') journal.data.commit = kit.commit;
    journal.data.ignored = kit.ignored;
    if (kit.remoteUrl !== undefined) journal.data.upstream = kit.remoteUrl;
    context.kit = kit;
    context.notes.push(...kit.notes.map((note) => note.message));
    return kit.commit.length === 40 ? kit.commit.slice(0, 12) : kit.commit;
  },
};
