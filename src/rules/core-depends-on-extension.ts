import { moveEarlier } from './engine/fix/moves.ts';
import { endWith, place, short } from './engine/references.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'core-depends-on-extension',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'core needs what only an extension creates',
  doc: {
    why:
      "Core is shared by all products and runs first. If it needs something that one product's extension creates, " +
      'it fails in every product, including this one.',
  },
  check: {
    end: endWith('core-depends-on-extension', ({ need, made }) => ({
      message:
        `Core needs ${need.kind} ${short(need.name)}, which only the extension file ${place(made!)} creates: core ` +
        'runs first, so this fails.',
      suggestion: `Move the statement at ${place(made!)} into core, before this one; or move this statement into the extension.`,
    })),
  },
  fix: {
    does: 'moves those statements to core',
    stage: 'order',
    apply: (situation) => moveEarlier(situation, 'core-depends-on-extension'),
  },
};
