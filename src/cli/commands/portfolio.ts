import { columnsOf } from '../text.ts';
import { type MuseCommand, museHelp } from '../muse-command.ts';
import { registryFlag } from '../portfolio.ts';
import { command as add } from './portfolio/add.ts';
import { command as archive } from './portfolio/archive.ts';
import { command as audit } from './portfolio/audit.ts';
import { command as cancel } from './portfolio/cancel.ts';
import { command as list } from './portfolio/list.ts';
import { command as migrate } from './portfolio/migrate.ts';
import { command as provision } from './portfolio/provision.ts';
import { command as status } from './portfolio/status.ts';
import { command as unarchive } from './portfolio/unarchive.ts';
import { command as verify } from './portfolio/verify.ts';
import { command as work } from './portfolio/work.ts';

/** `muse portfolio`: all muses of one owner. Each of its commands is a file in `portfolio/`. */
export const command: MuseCommand = {
  section: 'Portfolio',
  about: 'work on all muses of one owner at once',
  usage: ['<command> [flags]'],
  flags: [registryFlag],
  subcommands: { add, list, status, migrate, verify, provision, work, cancel, archive, unarchive, audit },
  async run() {
    const help = (await museHelp(columnsOf(process.stdout), 'portfolio')).trimEnd();
    return { json: { help }, text: help, verbatim: true };
  },
};
