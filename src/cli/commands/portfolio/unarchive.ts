import { archiving } from '../../portfolio.ts';

/** `muse portfolio unarchive <name>…`. */
export const command = archiving(false, 'take muses out of the archive', 'Not archived any more');
