import { join, relative } from 'node:path';
import { kindOf } from '../../shared/files.ts';
import { addAll, commitIndex, initRepository, setRemote } from '../../kit/git.ts';
import { type CreateContext, needed } from '../context.ts';
import { installPackages } from '../install.ts';
import { museCommand } from '../muse-command.ts';
import type { Step } from '../step.ts';

/** The first commit on `main`, the kit as `upstream`, packages if they were asked for, and what to type next. */
export const finishStep: Step<Pick<CreateContext, 'answers' | 'directory' | 'environment' | 'signal' | 'journal' | 'museFile' | 'next' | 'notes' | 'onProgress' | 'workingDirectory'>> = {
  id: 'finish',
  title: 'Commit and hand over',
  async run(context) {
    const { answers, directory, environment, journal, signal } = context;
    const museFile = needed(context.museFile, 'muse.json');
    let note: string | undefined;
    // A repository that was there has work of its owner's in it: they commit muse.json themselves.
    if (journal.pipeline === 'provision') context.notes.push('muse.json names the project now: commit it.');
    else if (answers.git) {
      const git = { environment, signal };
      if ((await kindOf(join(directory, '.git'))) === undefined) await initRepository(directory, git);
      if (journal.data.upstream !== undefined) await setRemote(directory, 'upstream', journal.data.upstream, git);
      await addAll(directory, journal.data.ignored ?? [], git);
      const commit = await commitIndex(directory, `Start ${museFile.name} from ${museFile.kit.source}\n\nKit commit: ${museFile.kit.commit}`, git);
      if (commit !== undefined) note = commit.slice(0, 12);
    }
    if (answers.install) {
      const failure = await installPackages(directory, context);
      if (failure !== undefined) context.notes.push(failure);
    }
    const muse = await museCommand(directory, environment);
    const enter = journal.pipeline === 'create' ? [`cd ${relative(context.workingDirectory, directory) || '.'}`] : [];
    context.next.push(...[...enter, `${muse} status`, `${muse} verify`, `${muse} new <name>`].slice(0, 3));
    return note;
  },
};
