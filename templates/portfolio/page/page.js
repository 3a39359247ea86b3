// The filters and the theme of the page; everything else is in its HTML.
const search = document.querySelector('#search');
const show = document.querySelector('#show');
const state = document.querySelector('#state');
const shown = document.querySelector('#shown');
const none = document.querySelector('.none');
const rows = [...document.querySelectorAll('tbody tr')].map((row) => ({
  row,
  text: row.textContent.toLowerCase(),
  fine: row.dataset.fine === 'yes',
  known: row.dataset.known === 'yes',
  state: row.dataset.state,
}));

const matches = {
  all: () => true,
  wrong: ({ fine }) => !fine,
  unknown: ({ known }) => !known,
};

function filter() {
  const words = search.value.toLowerCase().split(/\s+/);
  let count = 0;
  for (const entry of rows) {
    const visible =
      matches[show.value](entry) &&
      (state.value === '' || entry.state === state.value) &&
      words.every((word) => entry.text.includes(word));
    entry.row.hidden = !visible;
    if (visible) count += 1;
  }
  shown.textContent = `${count} of ${rows.length}`;
  none.hidden = count > 0;
}

for (const input of [search, show, state]) input.addEventListener('input', filter);
document.querySelector('#theme').addEventListener('click', () => {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.dataset.theme ?? (dark ? 'dark' : 'light');
  document.documentElement.dataset.theme = now === 'dark' ? 'light' : 'dark';
});
filter();
