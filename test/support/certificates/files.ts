import { fileURLToPath } from 'node:url';

/** Path of a certificate of this folder; see its README. */
export const certificateFile = (name: 'authority' | 'other-authority'): string =>
  fileURLToPath(new URL(`${name}.pem`, import.meta.url));
