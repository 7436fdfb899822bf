'use strict';
// What drawing takes: elements, looks, scales, axes and texts.
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
  // A circle, a square, a triangle, a diamond: as the dashes.
  marker(look, x, y) {
    const kind = dashes.indexOf(this.dashes.get(look.dash) ?? dashes[0]);
    return [
      `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0`,
      `M${x - 3.6} ${y - 3.6}h7.2v7.2h-7.2z`, `M${x} ${y - 4.6}l4.4 7.8h-8.8z`,
      `M${x} ${y - 5}l5 5l-5 5l-5 -5z`
    ][kind];
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

// The widest step of 1, 2, 5 times a power of ten that gives so many ticks.
function ticksOf(low, high, least) {
  const power = 10 ** Math.floor(Math.log10(high - low));
  const count = (s) => Math.floor(high / s) - Math.ceil(low / s) + 1;
  const step = [5, 2, 1, 0.5, 0.2, 0.1]
                   .map((m) => m * power)
                   .find((s) => count(s) >= least);
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
    ticks = ticksOf(low, high, 4);
  }
  return {place, ticks};
}

// A text in lines of at most so many characters, if its words are shorter.
function linesOf(text, most, count) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > most) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
  }
  if (lines.length > count) {
    lines.length = count;
    lines[count - 1] += '\u2026';
  }
  return lines;
}

// One line, or two of like length.
function balanced(text, most) {
  const half = Math.ceil(text.length / 2) + 6;
  return text.length <= most ? [text] : linesOf(text, Math.min(half, most), 2);
}

function words(text, attributes) {
  return svg('text', {'text-anchor': 'middle', ...attributes}, text);
}

// Lines across the plot from `top` to `bottom`, their numbers and the label
// below.
function xAxis(root, x, top, bottom, label, from, to) {
  for (const tick of x.ticks) {
    const at = x.place(tick);
    root.append(
        svg('line', {class: 'tick', x1: at, x2: at, y1: top, y2: bottom}),
        words(short(tick), {x: at, y: bottom + 14}));
  }
  balanced(label, (to - from) / 5.4).forEach((line, k) => {
    root.append(words(
        line, {class: 'soft', x: (from + to) / 2, y: bottom + 30 + 12 * k}));
  });
}

function yAxis(root, y, left, right, label, from, to) {
  for (const tick of y.ticks) {
    const at = y.place(tick);
    root.append(
        svg('line', {class: 'tick', x1: left, x2: right, y1: at, y2: at}),
        words(short(tick), {x: left - 6, y: at + 4, 'text-anchor': 'end'}));
  }
  balanced(label, (to - from) / 5.4).forEach((line, k) => {
    const turned = `translate(${11 + 13 * k} ${(from + to) / 2}) rotate(-90)`;
    root.append(words(line, {class: 'soft', transform: turned}));
  });
}
