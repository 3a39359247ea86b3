// The schema as a picture: drag or use the arrow keys to move it, the wheel or + and - to zoom.

import { ask, element } from './page.js';

/** How much one key or click zooms. */
const step = 1.25;
/** Pixels of the picture on one of the screen, at most and at least. */
const [farthest, nearest] = [12, 0.4];
/** The same at the start: all of it, or on a small screen as much as can be read. */
const atStart = (width) => (width < 720 ? 1.3 : 2.2);

export async function showDiagram() {
  const { svg: text } = await ask('diagram');
  const svg = document.importNode(new DOMParser().parseFromString(text, 'image/svg+xml').documentElement, true);
  const whole = svg.viewBox.baseVal;
  const [left, top, width, height] = [whole.x, whole.y, whole.width, whole.height];
  for (const name of ['width', 'height']) svg.removeAttribute(name);
  svg.setAttribute('preserveAspectRatio', 'xMinYMin meet');
  const view = element(
    'div',
    {
      class: 'diagram',
      id: 'diagram',
      tabindex: '0',
      role: 'application',
      'aria-label': 'Schema. Arrow keys move it, plus and minus zoom, 0 shows all of it.',
    },
    svg,
  );
  // What is shown: the corner, and how many pixels of the picture are one of the screen.
  const at = { x: left, y: top, scale: 1 };
  const draw = () => {
    const { clientWidth, clientHeight } = view;
    svg.setAttribute('viewBox', [at.x, at.y, clientWidth * at.scale, clientHeight * at.scale].join(' '));
  };
  const fit = (most = farthest) => {
    const { clientWidth, clientHeight } = view;
    at.scale = Math.min(most, Math.max(1, width / clientWidth, height / clientHeight));
    at.x = left - Math.max(0, clientWidth * at.scale - width) / 2;
    at.y = top;
    draw();
  };
  /** Zooms around a point of the view, in its pixels. */
  const zoom = (factor, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    const scale = Math.min(farthest, Math.max(nearest, at.scale * factor));
    at.x += x * (at.scale - scale);
    at.y += y * (at.scale - scale);
    at.scale = scale;
    draw();
  };
  const move = (x, y) => {
    at.x += x * at.scale;
    at.y += y * at.scale;
    draw();
  };
  const boxes = [...svg.querySelectorAll('g[data-table]')];
  const lines = [...svg.querySelectorAll('path[data-from]')];

  /** Dims all but a table and those that a key joins it to. */
  const highlight = (name) => {
    const near = new Set(name === undefined ? [] : [name]);
    const joins = (from, to) => {
      if (from === name) near.add(to);
      if (to === name) near.add(from);
    };
    for (const { dataset } of lines) joins(dataset.from, dataset.to);
    for (const box of boxes)
      for (const key of box.querySelectorAll('[data-to]')) joins(box.dataset.table, key.dataset.to);
    const isDim = (shown) => name !== undefined && !shown;
    for (const box of boxes) box.classList.toggle('dimmed', isDim(near.has(box.dataset.table)));
    for (const one of lines)
      one.classList.toggle('dimmed', isDim(one.dataset.from === name || one.dataset.to === name));
  };
  const goTo = (name) => {
    const box = boxes.find(({ dataset }) => dataset.table === name);
    highlight(box === undefined ? undefined : name);
    if (box === undefined) return fit();
    const { e: x, f: y } = box.transform.baseVal.consolidate().matrix;
    const size = box.getBBox();
    at.scale = Math.min(at.scale, 1);
    at.x = x + size.width / 2 - (view.clientWidth * at.scale) / 2;
    at.y = y - Math.max(20, (view.clientHeight * at.scale - size.height) / 2);
    draw();
  };

  const far = 60;
  const keys = {
    ArrowLeft: () => move(-far, 0),
    ArrowRight: () => move(far, 0),
    ArrowUp: () => move(0, -far),
    ArrowDown: () => move(0, far),
    '+': () => zoom(1 / step),
    '=': () => zoom(1 / step),
    '-': () => zoom(step),
    0: () => fit(),
    Escape: () => goTo(''),
  };
  view.addEventListener('keydown', (event) => {
    if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    keys[event.key]();
    event.preventDefault();
  });
  view.addEventListener(
    'wheel',
    (event) => {
      const { left: x, top: y } = view.getBoundingClientRect();
      zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 300), event.clientX - x, event.clientY - y);
      event.preventDefault();
    },
    { passive: false },
  );
  dragging(view, { move, zoom });
  view.addEventListener('pointerover', ({ target }) => highlight(target.closest('g[data-table]')?.dataset.table));
  view.addEventListener('pointerleave', () => highlight(undefined));

  const names = boxes.map(({ dataset }) => dataset.table).sort();
  const choose = element(
    'select',
    { id: 'go-to', 'aria-label': 'Go to a table', change: ({ target }) => goTo(target.value) },
    element('option', { value: '' }, 'All tables'),
    ...names.map((name) => element('option', { value: name }, name)),
  );
  const button = (label, name, click) => element('button', { type: 'button', 'aria-label': name, title: name, click }, label);
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
    element('a', { href: url, download: 'schema.svg' }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const sized = new ResizeObserver(([entry]) => {
    if (!entry.target.isConnected) sized.disconnect();
    else if (sized.once) draw();
    else {
      sized.once = true;
      fit(atStart(view.clientWidth));
    }
  });
  sized.observe(view);
  return [
    element('h2', {}, 'Diagram'),
    element(
      'div',
      { class: 'bar' },
      choose,
      button('+', 'Zoom in', () => zoom(1 / step)),
      button('−', 'Zoom out', () => zoom(step)),
      button('Fit', 'Show all of it', () => fit()),
      button('Save as SVG', 'Save the picture', save),
    ),
    boxes.length === 0 ? element('p', { class: 'empty' }, 'There are no tables yet: muse migrate.') : view,
  ];
}

/** One pointer moves the picture, two zoom it. */
function dragging(view, { move, zoom }) {
  const down = new Map();
  const spread = () => {
    const [one, two] = [...down.values()];
    return Math.hypot(one.x - two.x, one.y - two.y);
  };
  view.addEventListener('pointerdown', (event) => {
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener('pointermove', (event) => {
    const before = down.get(event.pointerId);
    if (before === undefined) return;
    const was = down.size === 2 ? spread() : undefined;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (was === undefined) return move(before.x - event.clientX, before.y - event.clientY);
    const [one, two] = [...down.values()];
    const { left, top } = view.getBoundingClientRect();
    zoom(was / Math.max(1, spread()), (one.x + two.x) / 2 - left, (one.y + two.y) / 2 - top);
  });
  for (const end of ['pointerup', 'pointercancel']) view.addEventListener(end, ({ pointerId }) => down.delete(pointerId));
}
