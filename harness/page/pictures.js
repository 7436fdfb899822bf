'use strict';
// Pictures as SVG. What stands where comes from the report; this draws.
const svgNames = 'http://www.w3.org/2000/svg';
const colourCount = 10, dashes = ['', '6 3', '2 3', '8 3 2 3'];

// A phone's pictures are drawn smaller, so that their words stay readable.
const isNarrow = window.matchMedia('(max-width: 600px)').matches;

function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function svg(name, attributes, ...children) {
  const node = document.createElementNS(svgNames, name);
  for (const [key, value] of Object.entries(attributes || {})) {
    node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function tip(node, text) {
  node.append(svg('title', {}, text));
  return node;
}

// A colour a method and a dash a way of batching, alike in all pictures.
class Looks {
  constructor(groups) {
    this.colours = new Map();
    this.dashes = new Map();
    const visit = (look) => {
      if (look.colour && !this.colours.has(look.colour)) {
        this.colours.set(look.colour, this.colours.size % colourCount);
      }
      if (look.dash && !this.dashes.has(look.dash)) {
        this.dashes.set(look.dash, dashes[this.dashes.size % dashes.length]);
      }
    };
    for (const group of groups) {
      for (const picture of group.pictures) {
        for (const kind of ['lines', 'points', 'forest', 'bars']) {
          (picture[kind] || []).forEach(visit);
        }
      }
    }
  }
  colour(look) {
    return `var(--c${this.colours.get(look.colour) ?? 7})`;
  }
  dash(look) {
    return this.dashes.get(look.dash) || 'none';
  }
}

function short(value) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(0);
  return String(Number(value.toPrecision(4)));
}

function ticksOf(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-12); ++k) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

// From values to pixels; a log axis has its ticks at powers and their halves.
function scaleOf(values, log, from, to) {
  let finite = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  if (finite.length === 0) finite = [log ? 1 : 0];
  let low = finite.reduce((a, b) => Math.min(a, b));
  let high = finite.reduce((a, b) => Math.max(a, b));
  if (log) {
    low = Math.log10(low);
    high = Math.log10(high);
  }
  if (low === high) {
    low -= 0.5;
    high += 0.5;
  }
  const margin = (high - low) * 0.05;
  low -= margin;
  high += margin;
  const place = (v) =>
      from + ((log ? Math.log10(v) : v) - low) / (high - low) * (to - from);
  let ticks;
  if (log) {
    ticks = [];
    for (let p = Math.floor(low); p <= Math.ceil(high); ++p) {
      for (const m of high - low < 3 ? [1, 3] : [1]) {
        const tick = m * 10 ** p;
        if (Math.log10(tick) >= low && Math.log10(tick) <= high) {
          ticks.push(tick);
        }
      }
    }
  } else {
    ticks = ticksOf(low, high, 5);
  }
  return {place, ticks};
}

const box = {
  width: isNarrow ? 360 : 480,
  height: isNarrow ? 280 : 320,
  left: 62,
  right: 12,
  top: 12,
  bottom: 44
};

function axes(root, x, y, picture) {
  const {width, height, left, right, top, bottom} = box;
  for (const tick of x.ticks) {
    const at = x.place(tick);
    root.append(
        svg('line',
            {class: 'tick', x1: at, x2: at, y1: top, y2: height - bottom}),
        svg('text', {x: at, y: height - bottom + 14, 'text-anchor': 'middle'},
            short(tick)));
  }
  for (const tick of y.ticks) {
    const at = y.place(tick);
    root.append(
        svg('line',
            {class: 'tick', x1: left, x2: width - right, y1: at, y2: at}),
        svg('text', {x: left - 6, y: at + 4, 'text-anchor': 'end'},
            short(tick)));
  }
  const fit = (text, room) => {
    const most = Math.floor(room / 5.6);
    return text.length > most ? text.slice(0, most - 1) + '\u2026' : text;
  };
  root.append(
      svg('text', {
        class: 'soft',
        x: (left + width - right) / 2,
        y: height - 8,
        'text-anchor': 'middle'
      },
          fit(picture.x.label, width - left - right)),
      svg('text', {
        class: 'soft',
        'text-anchor': 'middle',
        transform: `translate(13 ${(top + height - bottom) / 2})` +
            ' rotate(-90)'
      },
          fit(picture.y.label, height - top - bottom)));
}

function pathOf(xs, ys, x, y) {
  let path = '', pen = 'M';
  for (let i = 0; i < xs.length; ++i) {
    if (xs[i] === null || ys[i] === null) {
      pen = 'M';
      continue;
    }
    path += `${pen}${x.place(xs[i]).toFixed(1)} ${y.place(ys[i]).toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

function drawPlot(picture, looks) {
  const lines = picture.lines || [], points = picture.points || [];
  const levels = picture.levels || [], ellipses = picture.ellipses || [];
  const xs = levels.map((level) => level.x), ys = [];
  for (const one of [...lines, ...ellipses]) {
    for (const v of one.x) xs.push(v);
    for (const v of one.y) ys.push(v);
  }
  for (const point of points) {
    xs.push(point.x, ...(point.x_interval || []));
    ys.push(point.y, ...(point.y_interval || []));
  }
  const isNumber = (v) => v !== null;
  const x = scaleOf(
      xs.filter(isNumber), picture.x.log, box.left, box.width - box.right);
  const y = scaleOf(
      ys.filter(isNumber), picture.y.log, box.height - box.bottom, box.top);
  const root = svg('svg', {
    viewBox: `0 0 ${box.width} ${box.height}`,
    role: 'img',
    'aria-label': picture.title
  });
  axes(root, x, y, picture);
  for (const level of levels) {
    const at = x.place(level.x);
    root.append(
        tip(svg('line', {
              class: 'level',
              x1: at,
              x2: at,
              y1: box.top,
              y2: box.height - box.bottom
            }),
            level.label));
  }
  for (const ellipse of ellipses) {
    root.append(svg('path', {
      class: 'ellipse',
      d: pathOf(ellipse.x, ellipse.y, x, y) + 'Z',
      style: `fill:${looks.colour(ellipse)};` +
          `stroke:${looks.colour(ellipse)}`
    }));
  }
  for (const line of lines) {
    root.append(
        tip(svg('path', {
              class: 'line',
              d: pathOf(line.x, line.y, x, y),
              'stroke-dasharray': looks.dash(line),
              style: `stroke:${looks.colour(line)}`
            }),
            line.label));
  }
  for (const point of points) {
    if (point.x === null || point.y === null) continue;
    const cx = x.place(point.x), cy = y.place(point.y);
    const style = `stroke:${looks.colour(point)}`;
    if (point.x_interval) {
      root.append(svg('line', {
        x1: x.place(point.x_interval[0]),
        y1: cy,
        y2: cy,
        x2: x.place(point.x_interval[1]),
        style
      }));
    }
    if (point.y_interval) {
      root.append(svg('line', {
        y1: y.place(point.y_interval[0]),
        x1: cx,
        x2: cx,
        y2: y.place(point.y_interval[1]),
        style
      }));
    }
    root.append(
        tip(svg('circle', {cx, cy, r: 4, style: `fill:${looks.colour(point)}`}),
            `${point.label}: ${short(point.x)}, ${short(point.y)}`));
    if (point.marked) root.append(svg('circle', {class: 'ring', cx, cy, r: 7}));
  }
  return root;
}

// A text in lines of at most so many characters, three at most.
function linesOf(text, most) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > most) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
  }
  return lines.slice(0, 3);
}

// Rows of labels with a drawing to their right; `each` draws one of them.
function drawRows(picture, rows, values, rowHeight, each) {
  const width = isNarrow ? 380 : 640, left = isNarrow ? 150 : 250;
  const right = 24, top = 8, bottom = 36;
  const labels = rows.map((row) => linesOf(row.label, left / 6.6));
  const most = labels.reduce((a, lines) => Math.max(a, lines.length), 1);
  rowHeight = Math.max(rowHeight, 12 * most + 4);
  const height = top + bottom + rows.length * rowHeight;
  const x = scaleOf(values, false, left, width - right);
  const root = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': picture.title
  });
  for (const tick of x.ticks) {
    const at = x.place(tick);
    root.append(
        svg('line',
            {class: 'tick', x1: at, x2: at, y1: top, y2: height - bottom}),
        svg('text', {x: at, y: height - bottom + 14, 'text-anchor': 'middle'},
            short(tick)));
  }
  root.append(
      svg('text', {
        class: 'soft',
        'text-anchor': 'middle',
        x: (left + width - right) / 2,
        y: height - 6
      },
          picture.x.label));
  rows.forEach((row, i) => {
    const middle = top + (i + 0.5) * rowHeight;
    labels[i].forEach((line, k) => {
      const y = middle + 4 + 12 * (k - (labels[i].length - 1) / 2);
      root.append(
          tip(svg('text', {x: left - 6, y, 'text-anchor': 'end'}, line),
              row.label));
    });
    each(root, row, middle, x);
  });
  return root;
}

function drawForest(picture, looks) {
  const values = [0];
  for (const row of picture.forest) {
    values.push(row.value, ...(row.interval || []));
    if (row.detectable !== undefined) {
      values.push(row.detectable, -row.detectable);
    }
  }
  return drawRows(
      picture, picture.forest, values, 26, (root, row, middle, x) => {
        const zero = x.place(0), style = `stroke:${looks.colour(row)}`;
        if (row.detectable !== undefined) {
          const from = x.place(-row.detectable), to = x.place(row.detectable);
          root.append(svg('rect', {
            class: 'band',
            x: from,
            width: to - from,
            y: middle - 10,
            height: 20
          }));
        }
        root.append(svg('line', {
          class: 'level',
          x1: zero,
          x2: zero,
          y1: middle - 13,
          y2: middle + 13
        }));
        if (row.interval) {
          root.append(svg('line', {
            x1: x.place(row.interval[0]),
            y1: middle,
            x2: x.place(row.interval[1]),
            y2: middle,
            'stroke-width': 2,
            style
          }));
        }
        root.append(
            tip(svg('circle', {
                  cx: x.place(row.value),
                  cy: middle,
                  r: 4.5,
                  style: `fill:${looks.colour(row)}`
                }),
                `${row.label}: ${short(row.value)}, ${row.verdict}`));
      });
}

function drawBars(picture) {
  const parts = picture.parts;
  const sum = (row) => row.values.reduce((a, b) => a + (b || 0), 0);
  const values = [0];
  for (const row of picture.bars) {
    if (picture.stacked)
      values.push(sum(row));
    else
      values.push(...row.values.filter((v) => v !== null));
  }
  const height = picture.stacked ? 22 : 10 * parts.length + 8;
  const root = drawRows(
      picture, picture.bars, values, height, (root, row, middle, x) => {
        let at = 0;
        row.values.forEach((value, k) => {
          if (value === null) return;
          const from = x.place(picture.stacked ? at : 0);
          const to = x.place(picture.stacked ? at + value : value);
          at += value;
          const y =
              picture.stacked ? middle - 8 : middle - 5 * parts.length + 10 * k;
          root.append(
              tip(svg('rect', {
                    x: from,
                    y,
                    width: Math.max(to - from, 0.5),
                    height: picture.stacked ? 16 : 9,
                    style: `fill:var(--c${k % colourCount})`
                  }),
                  `${row.label}, ${parts[k]}: ${short(value)}`));
        });
      });
  const legend = el('p', {});
  parts.forEach(
      (part, k) => legend.append(
          el('span', {style: `color:var(--c${k % colourCount})`}, '\u25A0 '),
          part + '  '));
  return [root, legend];
}

function drawHeat(picture) {
  const cell = 62, left = 130, top = 70, rowHeight = 26;
  const columns = picture.heat_columns;
  const width = left + Math.max(columns.length, 4) * cell + 10;
  const height = top + picture.heat_rows.length * rowHeight + 8;
  const root = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': picture.title
  });
  columns.forEach((name, j) => {
    const x = left + (j + 0.5) * cell;
    root.append(
        tip(svg('text', {
              transform: `translate(${x} ${top - 6})` +
                  ' rotate(-30)'
            },
                name.split(' ')[0].slice(0, 18)),
            name));
  });
  picture.heat_rows.forEach((name, i) => {
    const y = top + (i + 0.5) * rowHeight;
    root.append(
        svg('text', {x: left - 6, y: y + 4, 'text-anchor': 'end'},
            name.length > 22 ? name.slice(0, 21) + '\u2026' : name));
    picture.heat[i].forEach((value, j) => {
      if (value === null) return;
      const column =
          picture.heat.map((row) => row[j]).filter((v) => v !== null);
      const low = Math.min(...column), high = Math.max(...column);
      let share = high > low ? (value - low) / (high - low) : 0.5;
      if (columns[j].includes('(lower is better)')) share = 1 - share;
      root.append(
          tip(svg('rect', {
                x: left + j * cell + 1,
                y: y - rowHeight / 2 + 1,
                width: cell - 2,
                height: rowHeight - 2,
                style: 'fill:var(--c0)',
                'fill-opacity': (0.08 + 0.5 * share).toFixed(2)
              }),
              `${name}, ${columns[j]}: ${short(value)}`),
          svg('text',
              {x: left + (j + 0.5) * cell, y: y + 4, 'text-anchor': 'middle'},
              short(value)));
    });
  });
  return root;
}

function drawPicture(picture, looks) {
  const figure =
      el('figure', {class: 'picture'}, el('figcaption', {}, picture.title));
  if (picture.forest)
    figure.append(drawForest(picture, looks));
  else if (picture.bars)
    figure.append(...drawBars(picture));
  else if (picture.heat)
    figure.append(drawHeat(picture));
  else
    figure.append(drawPlot(picture, looks));
  figure.append(el('p', {}, picture.caption));
  return figure;
}
