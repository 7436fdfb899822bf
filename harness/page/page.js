// The page's tables, cards and theme.
const data = JSON.parse(document.getElementById('data').textContent);

function sortTable(table, column, descending) {
  const body = table.tBodies[0], rows = [...body.rows];
  const keyed = rows.map((row) => {
    const cell = row.cells[column], v = cell.dataset.v;
    return {
      row,
      number: v === undefined ? null : Number(v),
      text: cell.textContent
    };
  });
  // What has no number stands behind what has one, either way.
  keyed.sort((a, b) => {
    if ((a.number === null) !== (b.number === null)) {
      return a.number === null ? 1 : -1;
    }
    const order =
        a.number === null ? a.text.localeCompare(b.text) : a.number - b.number;
    return descending ? -order : order;
  });
  body.append(...keyed.map((one) => one.row));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = el('button', {type: 'button'}, head.textContent);
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const descending = head.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.rows[0].cells) {
        other.removeAttribute('aria-sort');
      }
      head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      sortTable(table, column, descending);
    });
  });
}

function makeFilterable(figure, table) {
  const count =
      el('span', {class: 'count'},
         `${table.tBodies[0].rows.length}` +
             ' rows');
  const field = el('input', {
    class: 'filter',
    type: 'search',
    placeholder: 'rows with these words',
    'aria-label': 'filter rows'
  });
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      const keep = words.every((word) => text.includes(word));
      row.hidden = !keep;
      shown += keep ? 1 : 0;
    }
    count.textContent = `${shown} of ${table.tBodies[0].rows.length} rows`;
  });
  figure.insertBefore(
      el('div', {}, field, count), figure.querySelector('.scroll'));
}

function setUpTables() {
  for (const figure of document.querySelectorAll('figure.table')) {
    const table = figure.querySelector('table');
    const titles = [...table.tHead.rows[0].cells].map((c) => c.textContent);
    if (figure.classList.contains('verdict')) {
      // On a phone each cell carries its column's title.
      for (const row of table.tBodies[0].rows) {
        [...row.cells].forEach((cell, i) => {
          if (i > 0) cell.dataset.title = titles[i];
          if (['', '\u2013'].includes(cell.textContent))
            cell.dataset.empty = '';
        });
      }
    } else if (table.tBodies[0].rows.length > 1) {
      makeFilterable(figure, table);
    }
    makeSortable(table);
  }
}

function listOf(values) {
  const list = el('dl', {});
  for (const [name, value] of Object.entries(values || {})) {
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    list.append(
        el('dt', {}, name), el('dd', {}, text === '' ? '\u2013' : text));
  }
  return list;
}

function cardOf(run) {
  const card = el('div', {class: 'card'});
  const scores = {};
  for (const [task, split, round, metric, value, unit] of run.scores || []) {
    scores[`${task} ${split} ${metric}, round ${round}`] =
        `${value === null ? 'none' : value} ${unit}`;
  }
  const parts = [
    ['Its own config', run.config], ['Scores', scores],
    ['Change against the base', run.forgetting], ['Measured', run.measured],
    ['Facts', run.facts], ['Build', run.build], ['Where and when', run.run],
    ['Digests and notes', run.texts],
    ['Config that all runs share', data.config]
  ];
  for (const [title, values] of parts) {
    if (!values || Object.keys(values).length === 0) continue;
    card.append(el('div', {}, el('h3', {}, title), listOf(values)));
  }
  return card;
}

// Rows now, a card when it is asked for: thousands of runs stay quick.
function setUpRuns() {
  const section = document.getElementById('runs');
  const count = el('span', {class: 'count'}, `${data.runs.length} runs`);
  const field = el('input', {
    class: 'filter',
    type: 'search',
    placeholder: 'runs with these words',
    'aria-label': 'filter runs'
  });
  const all = el('div', {});
  const entries = data.runs.map((run) => {
    const name = `${run.row || run.id}, seed ${run.seed}`;
    const state =
        el('span', run.state === 'ok' ? {} : {class: 'bad'},
           run.state + (run.standing ? ` at ${run.standing}` : ''));
    const entry =
        el('details', {id: `run-${run.id}`},
           el('summary', {}, `${name} \u00b7 `, state, ` \u00b7 ${run.id}`));
    entry.addEventListener('toggle', () => {
      if (entry.open && entry.children.length === 1) entry.append(cardOf(run));
    });
    return entry;
  });
  all.append(...entries);
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of entries) {
      const text = entry.firstChild.textContent.toLowerCase();
      entry.hidden = !words.every((word) => text.includes(word));
      shown += entry.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${entries.length} runs`;
  });
  section.append(el('div', {}, field, count), all);
}

function setUpMissing() {
  const section = document.getElementById('missing');
  const list = el('ul', {});
  for (const run of data.runs) {
    if (run.state === 'ok') continue;
    const link = el('a', {href: `#run-${run.id}`}, run.row || run.id);
    list.append(
        el('li', {}, link, `, seed ${run.seed}: `,
           el('span', {class: 'bad'}, run.state),
           run.message ? `, ${run.message}` : ''));
  }
  for (const one of data.missing) {
    list.append(
        el('li', {},
           `No picture \u201c${one.title}\u201d: it needs ` +
               `${one.needs}.`));
  }
  section.append(
      list.children.length > 0 ?
          list :
          el('p', {}, 'Nothing: all runs ended well, all pictures are here.'));
}

function setUpPictures() {
  const section = document.getElementById('pictures');
  const looks = new Looks(data.pictures);
  const legend = document.getElementById('legend');
  for (const [name, k] of looks.colours) {
    legend.append(
        el('span', {}, el('i', {style: `background:var(--c${k})`}), name));
  }
  for (const name of looks.dashes.size > 1 ? looks.dashes.keys() : []) {
    const look = {dash: name};
    legend.append(el(
        'span', {},
        svg('svg', {viewBox: '0 0 34 14', class: 'look'},
            svg('path', {d: 'M0 7H34', 'stroke-dasharray': looks.dash(look)}),
            svg('path', {d: looks.marker(look, 17, 7), class: 'filled'})),
        name));
  }
  const grid = el('div', {class: 'grid'});
  for (const group of data.pictures) {
    grid.append(...group.pictures.map((one) => drawPicture(one, looks)));
  }
  section.append(grid);
}

function setUpTheme() {
  const root = document.documentElement;
  const button = document.getElementById('theme');
  const set = (dark) => {
    root.dataset.theme = dark ? 'dark' : 'light';
    button.textContent = dark ? 'Light' : 'Dark';
  };
  const asked = window.matchMedia('(prefers-color-scheme: dark)');
  set(asked.matches);
  asked.addEventListener('change', () => set(asked.matches));
  button.addEventListener('click', () => set(root.dataset.theme !== 'dark'));
}

setUpTheme();
setUpTables();
setUpMissing();
setUpPictures();
setUpRuns();
