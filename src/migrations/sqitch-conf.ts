/** Where Sqitch's own configuration says that its scripts and its plan are. */
import { posix } from 'node:path';

/** Paths from the folder of the configuration's repository, with `/`. */
export interface SqitchPlaces {
  plan: string;
  deploy: string;
  revert: string;
}

/**
 * What a `sqitch.conf` says, https://sqitch.org/docs/manual/sqitch-config: what it leaves out is below `top_dir`.
 * @param at the folder that it is in
 */
export function sqitchPlaces(conf: string, at: string): SqitchPlaces {
  const settings = new Map<string, string>();
  let section = '';
  for (const line of conf.split(/\r?\n/)) {
    const title = /^\s*\[\s*([\w.-]+)\s*(".*")?\s*\]/.exec(line);
    // A section with a name, such as `engine "pg"`, is not for all.
    if (title !== null) section = title[2] === undefined ? title[1]!.toLowerCase() : '';
    const [, key = '', value = ''] = /^\s*(\w+)\s*=\s*(.*?)\s*(?:[#;].*)?$/.exec(line) ?? [];
    if (section === 'core' && key !== '') settings.set(key.toLowerCase(), value.replace(/^"(.*)"$/, '$1'));
  }
  const top = settings.get('top_dir') ?? '.';
  const place = (key: string, name: string): string => posix.join(at, settings.get(key) ?? posix.join(top, name));
  return {
    plan: place('plan_file', 'sqitch.plan'),
    deploy: place('deploy_dir', 'deploy'),
    revert: place('revert_dir', 'revert'),
  };
}
