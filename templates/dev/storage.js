// Storage: buckets, folders and files, as anyone sees them.

import { ask, chooser, element, grid, load, seeAs, time, to } from './page.js';

/** What a browser shows as a picture without running anything. */
const pictures = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/svg+xml'];

export async function showStorage([id, who = 'service', prefix = '', ...cursor], { signal }) {
  const [buckets, users] = await Promise.all([ask('buckets'), ask('users')]);
  const bucket = buckets.find((one) => one.id === id) ?? buckets[0];
  if (bucket === undefined) return [element('h2', {}, 'Storage'), element('p', { class: 'empty' }, 'There are no buckets yet.')];
  const at = (one, as = who, folder = '') => to('storage', one, as, folder);
  const list = chooser(
    'Buckets',
    buckets.map((one) => ({
      name: one.id,
      href: at(one.id),
      current: one === bucket,
      ...(one.public ? { note: 'public' } : {}),
    })),
  );
  const page = cursor[0] === undefined ? {} : { cursor: cursor[0] };
  const query = new URLSearchParams({ bucket: bucket.id, as: who, prefix, ...page });
  const nameOf = (name) => element('span', { title: name }, name.slice(prefix.length) || name);
  const preview = element('div', { class: 'preview', 'aria-live': 'polite' });
  const fetched = (name) => load(`object?${new URLSearchParams({ bucket: bucket.id, as: who, name })}`);
  const files = await ask(`folder?${query}`).then(
    (found) => folderPart(found),
    (error) => [element('p', { class: 'bad' }, error.message)],
  );

  function folderPart({ folders, objects, next }) {
    const alone = document.documentElement.hasAttribute('data-alone');
    const rows = [
      ...folders.map((folder) => [
        element('a', { href: at(bucket.id, who, folder) }, `${folder.slice(prefix.length)}`),
        'folder',
        '',
        '',
        '',
      ]),
      ...objects.map(({ name, size, type, updated }) => [
        nameOf(name),
        type ?? '',
        sizeOf(size),
        time(updated),
        alone ? '' : actions(name, type),
      ]),
    ];
    return [
      grid(`Files of ${bucket.id}`, ['Name', 'Type', 'Size', 'Changed', ''], rows, 'Nothing here that they may see.'),
      next === undefined
        ? undefined
        : element('p', {}, element('a', { href: to('storage', bucket.id, who, prefix, next) }, 'Next →')),
    ];
  }

  function actions(name, type) {
    const run = (work) => async () => {
      try {
        await work(await fetched(name));
      } catch (error) {
        preview.replaceChildren(element('p', { class: 'bad' }, error.message));
      }
    };
    const save = run((content) => {
      const url = URL.createObjectURL(content);
      element('a', { href: url, download: name.split('/').at(-1) }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    });
    const look = run((content) => {
      const url = URL.createObjectURL(new Blob([content], { type }));
      signal.addEventListener('abort', () => URL.revokeObjectURL(url));
      preview.replaceChildren(element('p', { class: 'dim' }, name), element('img', { src: url, alt: name }));
      preview.scrollIntoView({ block: 'nearest' });
    });
    return element(
      'span',
      { class: 'actions' },
      pictures.includes(type)
        ? element('button', { type: 'button', 'aria-label': `Preview ${name}`, click: look }, 'Preview')
        : undefined,
      element('button', { type: 'button', 'aria-label': `Download ${name}`, click: save }, 'Download'),
    );
  }

  const content = element(
    'section',
    {},
    element('h2', {}, bucket.id),
    element('p', { class: 'dim' }, aboutBucket(bucket)),
    element('div', { class: 'bar' }, ...seeAs(who, users, (as) => (location.hash = at(bucket.id, as, prefix)))),
    crumbs(bucket, prefix, (folder) => at(bucket.id, who, folder)),
    ...files,
    preview,
  );
  return [element('div', { class: 'split' }, list, content)];
}

function aboutBucket({ public: isPublic, file_size_limit: limit, allowed_mime_types: types }) {
  return [
    isPublic ? 'Public: anyone with the address of a file can download it.' : 'Private: policies of storage.objects decide.',
    limit === null ? '' : `Files up to ${sizeOf(limit)}.`,
    types === null ? '' : `Only ${types.join(', ')}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** Where one is, each folder a link. */
function crumbs({ id }, prefix, at) {
  const parts = prefix.split('/').slice(0, -1);
  const links = parts.map((part, index) => {
    const folder = `${parts.slice(0, index + 1).join('/')}/`;
    return element('a', { href: at(folder), 'aria-current': folder === prefix ? 'true' : undefined }, part);
  });
  return element('nav', { class: 'bar crumbs', 'aria-label': 'Folders' }, element('a', { href: at('') }, id), ...links);
}

function sizeOf(bytes) {
  if (bytes === null) return '';
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}
