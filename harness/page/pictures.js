// Pictures as SVG. What stands where comes from the report; this draws.
const box = {
  width: isNarrow ? 360 : 480,
  height: isNarrow ? 280 : 320,
  left: 74,
  right: 12,
  top: 12,
  bottom: 46
};

function axes(root, x, y, picture) {
  const {width, height, left, right, top, bottom} = box;
  xAxis(root, x, top, height - bottom, picture.x.label, left, width - right);
  yAxis(root, y, left, width - right, picture.y.label, top, height - bottom);
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

// The plot, and below it what its levels are.
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
        tip(svg('path', {
              d: looks.marker(point, cx, cy),
              style: `fill:${looks.colour(point)}`
            }),
            `${point.label}: ${short(point.x)}, ${short(point.y)}` +
                (point.text ? ` (${point.text})` : '')));
    if (point.text) {
      const atEnd = cx > box.width - box.right - 34;
      root.append(words(point.text, {
        class: 'beside',
        x: cx + (atEnd ? -8 : 8),
        y: cy - 6,
        'text-anchor': atEnd ? 'end' : 'start'
      }));
    }
    if (point.marked) root.append(svg('circle', {class: 'ring', cx, cy, r: 7}));
  }
  if (levels.length === 0) return [root];
  const names = [...levels].sort((a, b) => a.x - b.x).map((one) => one.label);
  const where = levels.length > 1 ? 'Dashed, from the left: ' : 'Dashed: ';
  return [root, el('p', {}, `${where}${names.join('; ')}.`)];
}

// Rows of labels with a drawing to their right; `each` draws one of them.
function drawRows(picture, rows, values, rowHeight, each) {
  const width = isNarrow ? 380 : 640, left = isNarrow ? 150 : 250;
  const right = 24, top = 8, bottom = 40;
  const labels =
      rows.map((row) => linesOf(row.label, left / 6.6, isNarrow ? 4 : 3));
  const most = labels.reduce((a, lines) => Math.max(a, lines.length), 1);
  rowHeight = Math.max(rowHeight, 12 * most + 4);
  const height = top + bottom + rows.length * rowHeight;
  const x = scaleOf(values, false, left, width - right);
  const root = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': picture.title
  });
  xAxis(root, x, top, height - bottom, picture.x.label, left, width - right);
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
  const legend = el('p', {class: 'parts'});
  parts.forEach(
      (part, k) => legend.append(
          el('span', {},
             el('i', {style: `background:var(--c${k % colourCount})`}), part)));
  return [root, legend];
}

function drawHeat(picture) {
  const cell = 62, left = 130, top = 78, rowHeight = 26;
  const columns = picture.heat_columns;
  // The last title leans to the right.
  const width = left + Math.max(columns.length, 4) * cell + 62;
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
    figure.append(...drawPlot(picture, looks));
  figure.append(el('p', {}, picture.caption));
  return figure;
}
