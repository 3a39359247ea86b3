/** The page: one HTML file that needs nothing else, with a row for each muse and the latest run above them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageDirectory } from '../kit/builtin.ts';
import { escapeMarkup } from '../shared/printable.ts';
import type { PortfolioEnvironment, PortfolioMuse, Rollout, RolloutMuse } from './api-types.ts';
import { museStates } from './registry/muses.ts';
import { isFine } from './status.ts';

/** What the page shows. */
export interface PageContent {
  muses: readonly PortfolioMuse[];
  /** The latest run, if there was one. */
  run?: Rollout | undefined;
  /** When this was so: ISO time by the registry's clock. */
  at: string;
}

/** A few words in a color: `good`, `warn`, `bad` or `dim`. */
const toned = (tone: string, words: string): string => `<span class="${tone}">${escapeMarkup(words)}</span>`;

/** Writes the page as HTML. */
export async function renderPage({ muses, run, at }: PageContent): Promise<string> {
  const folder = join(packageDirectory, 'templates', 'portfolio', 'page');
  const [css, js] = await Promise.all(['page.css', 'page.js'].map((name) => readFile(join(folder, name), 'utf8')));
  const wrong = muses.filter((muse) => !isFine(muse));
  const order = [...wrong, ...muses.filter(isFine)];
  const count = `${muses.length} ${muses.length === 1 ? 'muse' : 'muses'}`;
  const states = museStates.filter((state) => muses.some((muse) => muse.state === state));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Portfolio: ${count}</title>
<style>
${css}</style>
</head>
<body>
<header>
<h1>Portfolio</h1>
<span>${count}, ${muses.length - wrong.length} as they should be, ${toned(wrong.length > 0 ? 'bad' : 'good', `${wrong.length} not`)}</span>
<time datetime="${escapeMarkup(at)}">as of ${escapeMarkup(timeOf(at))}</time>
<button id="theme" type="button">Light or dark</button>
</header>
${run === undefined ? '' : runSection(run)}
<div class="filters">
<input id="search" type="search" placeholder="Name, tag, environment, error" aria-label="Search">
<select id="show" aria-label="Show">
<option value="all">All muses</option><option value="wrong">Not as they should be</option><option value="unknown">Not known</option>
</select>
<select id="state" aria-label="State">
<option value="">Any state</option>${states.map((state) => `<option>${state}</option>`).join('')}
</select>
<output id="shown"></output>
</div>
<table>
<thead><tr><th>Muse</th><th>State</th><th>Environments</th><th>Kit</th><th>Seen</th></tr></thead>
${chunks(order, 50)
  .map((part) => `<tbody>\n${part.map(rowOf).join('\n')}\n</tbody>`)
  .join('\n')}
</table>
<p class="none" hidden>No muse matches.</p>
<script>
${js}</script>
</body>
</html>
`;
}

/** Groups of rows: a browser lays out only those that are seen. */
function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

const timeOf = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

function rowOf(muse: PortfolioMuse): string {
  const { name, state, tags, source, kit, environments, error, seenAt, known } = muse;
  const own = error !== undefined && environments.every((one) => one.error?.message !== error.message);
  const behind =
    kit.behind === undefined ? '' : kit.behind === 0 ? 'up to date' : toned('warn', `${kit.behind} behind`);
  return (
    `<tr data-fine="${isFine(muse) ? 'yes' : 'no'}" data-known="${known ? 'yes' : 'no'}" data-state="${state}">` +
    `<td>${escapeMarkup(name)}<small>${escapeMarkup([...tags, source].join(' · '))}</small></td>` +
    `<td>${state}${own ? `<small class="bad">${escapeMarkup(error.message)}</small>` : ''}</td>` +
    `<td>${environments.map(environmentOf).join('') || toned('warn', 'none known')}</td>` +
    `<td>${behind}<small>${escapeMarkup((kit.commit ?? '').slice(0, 24))}</small></td>` +
    `<td>${seenAt === undefined ? toned('warn', 'never') : escapeMarkup(timeOf(seenAt))}</td></tr>`
  );
}

function environmentOf(environment: PortfolioEnvironment): string {
  const { name, target, known, error, drift, isolation } = environment;
  const parts = (['applied', 'pending', 'edited', 'missing', 'unreadable'] as const)
    .filter((list) => (environment[list] ?? 0) > 0)
    .map((list) => toned(list === 'applied' ? 'good' : 'warn', `${environment[list]} ${list}`));
  if (drift !== undefined && drift > 0) parts.push(toned('bad', `${drift} differences`));
  if (isolation !== undefined)
    parts.push(
      isolation.errors > 0
        ? toned('bad', `${isolation.errors} isolation errors`)
        : toned('good', `${isolation.proven} proven isolated`),
    );
  if (known !== 'yes') parts.push(toned('warn', known === 'never' ? 'never seen' : known));
  const failure = error === undefined ? '' : `<small class="bad">${escapeMarkup(error.message)}</small>`;
  return `<div>${name} <span class="dim">${escapeMarkup(target)}</span> ${parts.join(', ')}${failure}</div>`;
}

function runSection(rollout: Rollout): string {
  const { run, muses } = rollout;
  const counts = new Map<string, number>();
  for (const { state } of muses) counts.set(state, (counts.get(state) ?? 0) + 1);
  const started = `started ${timeOf(run.createdAt)} by ${run.startedBy}`;
  const about = `on ${run.environment}, ${run.state}, wave ${run.wave} of ${run.waves}, ${started}`;
  return `<h2>${escapeMarkup(run.name)} ${toned('dim', about)}</h2>
${timeline(muses)}
<ul class="legend">${[...counts].map(([state, count]) => `<li class="${state}"><i></i>${count} ${state}</li>`).join('')}</ul>`;
}

/** Units of the timeline from its left to its right edge, and pixels of a lane. */
const width = 1000;
const lane = 10;

/** The items of a run over time, in as many lanes as there were at once; nothing where none has begun. */
function timeline(muses: readonly RolloutMuse[]): string {
  const begun = muses
    .flatMap(({ name, wave, state, startedAt, endedAt }) => {
      if (startedAt === undefined) return [];
      const from = Date.parse(startedAt);
      return [{ name, wave, state, from, to: endedAt === undefined ? undefined : Math.max(from, Date.parse(endedAt)) }];
    })
    .sort((one, other) => one.from - other.from);
  const [first] = begun;
  if (first === undefined) return '';
  const end = Math.max(...begun.map(({ from, to = from }) => to), first.from + 1);
  const scale = (time: number): number => ((time - first.from) / (end - first.from)) * width;
  const free: number[] = [];
  const bars = begun.map(({ name, wave, state, from, to = end }) => {
    const found = free.findIndex((until) => until <= from);
    const row = found === -1 ? free.length : found;
    free[row] = to;
    const [x, length] = [scale(from), Math.max(2, scale(to) - scale(from) - 1)];
    const title = `${name}: ${state}, wave ${wave}, ${((to - from) / 1000).toFixed(1)} s`;
    const size = `width="${length.toFixed(1)}" height="${lane - 2}"`;
    return `<rect class="${state}" x="${x.toFixed(1)}" y="${row * lane}" ${size}><title>${escapeMarkup(title)}</title></rect>`;
  });
  const height = free.length * lane;
  const seconds = ((end - first.from) / 1000).toFixed(1);
  return (
    `<div class="timeline" role="img" aria-label="The muses of the run over time, ${seconds} s">` +
    `<div class="waves">${waveMarks(begun, scale)}</div>` +
    `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" style="height: ${height}px">${bars.join('')}</svg>` +
    `<div class="length">${seconds} s</div></div>`
  );
}

/** How far apart the names of two waves are at least, in units of the timeline: wide enough for a name on a telephone. */
const apart = 160;

/** Where each wave begins; those that begin too close to each other have one name. */
function waveMarks(begun: readonly { wave: number; from: number }[], scale: (time: number) => number): string {
  const starts = new Map<number, number>();
  for (const { wave, from } of begun) starts.set(wave, Math.min(starts.get(wave) ?? Infinity, scale(from)));
  const marks: { x: number; first: number; last: number }[] = [];
  for (const [wave, x] of starts) {
    const before = marks.at(-1);
    if (before !== undefined && x - before.x < apart) before.last = wave;
    else marks.push({ x, first: wave, last: wave });
  }
  return marks
    .map(({ x, first, last }) => {
      const name = first === last ? `wave ${first}` : `waves ${first}–${last}`;
      const place = x > width - apart ? 'right: 0' : `left: ${((100 * x) / width).toFixed(1)}%`;
      return `<span style="${place}">${name}</span>`;
    })
    .join('');
}
