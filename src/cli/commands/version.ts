import type { MuseCommand } from '../muse-command.ts';

/** `muse version`: as `muse --version`. */
export const command: MuseCommand = {
  section: 'Project',
  about: 'show the version',
  usage: [''],
  flags: [],
  async run() {
    const { packageVersion } = await import('../../shared/version.ts');
    const version = packageVersion();
    return { json: { version }, text: version, verbatim: true };
  },
};
