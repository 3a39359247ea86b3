/** Tells which symbolic links of a fetched kit lead out of it. Reads only. */
import { readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { kindOf } from '../shared/files.ts';

/** More steps than a real link takes: what needs them is a loop. */
const mostSteps = 40;

/**
 * Says whether the link at `path` leads out of `root`, step by step as the system would go; a loop counts as leaving.
 * A target that is not there counts by its path alone.
 */
export async function leavesKit(root: string, path: string): Promise<boolean> {
  const stack: string[] = [];
  let waiting = path.split('/');
  for (let steps = 0; waiting.length > 0; ) {
    const [part, ...rest] = waiting;
    waiting = rest;
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      if (stack.pop() === undefined) return true;
      continue;
    }
    const here = [...stack, part];
    if ((await kindOf(join(root, ...here))) !== 'link') {
      stack.push(part);
      continue;
    }
    steps += 1;
    const target = (await readlink(join(root, ...here))).replaceAll('\\', '/');
    if (steps > mostSteps || posix.isAbsolute(target) || /^[a-z]:/i.test(target)) return true;
    waiting = [...target.split('/'), ...waiting];
  }
  return stack[0] === '.git';
}
