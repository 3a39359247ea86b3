import { archiving } from '../../portfolio.ts';

/** `muse portfolio archive <name>…`. */
export const command = archiving(true, 'set muses aside: no run includes them, their names stay taken', 'Archived');
