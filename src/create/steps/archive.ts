import { archiveExtensions } from '../../kit/archive.ts';
import { type CreateContext, needed } from '../context.ts';
import type { Step } from '../step.ts';

/** Puts the kit's own extension migrations, another product's tables, aside. */
export const archiveStep: Step<Pick<CreateContext, 'answers' | 'museFile' | 'notes' | 'stage'>> = {
  id: 'archive',
  title: "Put the kit's own product aside",
  applies: ({ answers }) => answers.kitExtensions === 'archive',
  async run({ museFile, notes, stage }) {
    const { migrations } = needed(museFile, 'muse.json');
    const archived = await archiveExtensions(stage, migrations);
    if (archived.length === 0) return undefined;
    notes.push(`${archived.length} extension files of the kit are in ${migrations.archive}/.`);
    return `${archived.length} files`;
  },
};
