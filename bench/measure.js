// Measures whole processes: wall time and peak memory, as medians of interleaved runs.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The peak resident size of a process, in kB; undefined without /proc. */
function peakOf(pid) {
  try {
    const size = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return size === undefined ? undefined : Number(size);
  } catch {
    return undefined;
  }
}

/** The CPU time of a process so far, in ms; undefined without /proc. */
function timeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc_pid_stat(5): user and system time, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return undefined;
  }
}

/**
 * Runs a command until it exits.
 * @param {{ command: string, args: string[], cwd?: string, env?: Record<string, string>, exit?: number | number[] }} run
 * @returns {Promise<{ ms: number, cpu: number | undefined, peak: number | undefined }>} wall time and CPU time in ms, peak
 *   memory in MB
 */
export function once({ command, args, cwd, env, exit = 0 }) {
  const exits = [exit].flat();
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, CI: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let peak;
    let cpu;
    const watch = setInterval(() => {
      peak = peakOf(child.pid) ?? peak;
      cpu = timeOf(child.pid) ?? cpu;
    }, 10);
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
      const ms = performance.now() - start;
      if (!exits.includes(code))
        reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-2000)}`));
      else resolve({ ms, cpu, peak: peak === undefined ? undefined : peak / 1024 });
    });
  });
}

/**
 * Measures several subjects in turn, A B C A B C …, so that a slowdown of the machine affects all of them.
 * @param {{ name: string, run: () => Promise<{ ms: number, cpu?: number, peak?: number }> }[]} subjects
 * @param {number} rounds counted rounds, after one warm-up round
 */
export async function compare(subjects, rounds) {
  const results = subjects.map(({ name }) => ({ name, ms: [], cpu: [], peak: [] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      const { ms, cpu, peak } = await subject.run();
      if (round === 0) continue;
      results[index].ms.push(ms);
      if (cpu !== undefined) results[index].cpu.push(cpu);
      if (peak !== undefined) results[index].peak.push(peak);
    }
  }
  return results.map(({ name, ms, cpu, peak }) => ({
    name,
    ms: median(ms),
    cpu: cpu.length === 0 ? undefined : median(cpu),
    peak: peak.length === 0 ? undefined : median(peak),
  }));
}

/**
 * Prints results as a table with ratios to the floor, and the limit of each.
 * @param {string} title
 * @param {{ name: string, ms: number, peak?: number }[]} results
 * @param {{ floor: string, ours: string, limit?: number }} aim without a limit, only the ratio is printed
 */
export function print(title, results, { floor, ours, limit }) {
  const base = results.find(({ name }) => name === floor)?.ms ?? Number.NaN;
  const width = Math.max(...results.map(({ name }) => name.length));
  process.stdout.write(`\n${title}\n`);
  for (const { name, ms, peak } of results) {
    const memory = peak === undefined ? '' : `${peak.toFixed(0).padStart(6)} MB`;
    process.stdout.write(
      `  ${name.padEnd(width)}  ${ms.toFixed(0).padStart(6)} ms  ${(ms / base).toFixed(2).padStart(6)}x${memory}\n`,
    );
  }
  const ratio = (results.find(({ name }) => name === ours)?.ms ?? Number.NaN) / base;
  const aim = limit === undefined ? '' : `, aim ${limit}: ${ratio <= limit ? 'met' : 'NOT met'}`;
  process.stdout.write(`  ${ours} over ${floor}: ${ratio.toFixed(2)}${aim}\n`);
}
