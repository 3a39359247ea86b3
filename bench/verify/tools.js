// The tools that look for the holes. Each returns a set of texts; those that it does not return for the unchanged kit
// are its report.
import { execFile } from 'node:child_process';

/** Runs a CLI and ignores its exit code, which is not 0 if there are findings. */
function run(script, args, cwd) {
  return new Promise((resolve) => {
    const env = {
      PATH: process.env.PATH,
      HOME: cwd,
      USERPROFILE: cwd,
      SystemRoot: process.env.SystemRoot,
      DO_NOT_TRACK: '1',
      NO_COLOR: '1',
    };
    execFile(
      process.execPath,
      [script, ...args],
      { cwd, env, timeout: 120_000, maxBuffer: 1 << 26 },
      (_, stdout, stderr) => resolve(stdout + stderr),
    );
  });
}

/** The JSON in a tool's output, between other lines. */
function jsonIn(text) {
  const start = text.search(/^\{/m);
  if (start < 0) throw new Error(`no answer: ${text.trim().split('\n').at(-1)}`);
  return JSON.parse(text.slice(start, text.lastIndexOf('}') + 1));
}

/**
 * supashield: audit, static analysis of policies, its tests with generated claims and as a real user; and separately
 * its comparison.
 */
export function supashield(script, place, email) {
  return {
    name: 'supashield',
    prepare: async (url) => {
      await run(script, ['init', '-u', url], place);
      await run(script, ['snapshot', '-u', url], place);
    },
    ask: async (url) => {
      const [audit, lint, made, real] = await Promise.all([
        run(script, ['audit', '-u', url], place),
        run(script, ['lint', '-u', url, '--json'], place),
        run(script, ['test', '-u', url, '--json'], place),
        run(script, ['test', '-u', url, '--json', '--as-user', email], place),
      ]);
      const lines = audit.split('\n').filter((line) => /^\s+(Table|Column|Policy|View|Function|Issue):/.test(line));
      return [
        ...lines,
        ...[lint, made, real].flatMap((text) => jsonIn(text).issues.map((issue) => JSON.stringify(issue))),
      ];
    },
    compare: async (url) =>
      (await run(script, ['diff', '-u', url], place)).split('\n').filter((line) => !/Inspecting|Connecting/.test(line)),
  };
}

/** splinter, the lints of Supabase's dashboard, as included in the CLI. */
export function splinter(script, place) {
  return {
    name: 'splinter',
    ask: async (url) => (await advise(script, place, url, 'security')).map((result) => JSON.stringify(result)),
  };
}

/**
 * What Supabase's advisors say of a database.
 * @param {'security' | 'performance'} type
 */
export async function advise(script, place, url, type) {
  const args = ['db', 'advisors', `--remote=${url}`, '--type', type, '--level', 'info', '--output-format', 'json'];
  return jsonIn(await run(script, args, place)).results;
}
