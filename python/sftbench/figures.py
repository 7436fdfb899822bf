"""Draws the pictures of a report: `sftbench report DIR --figures OUT` calls it.

    python -m sftbench.figures OUT

reads OUT/pictures.json, which the program wrote, and puts each picture beside
it as SVG and PDF. What stands where is in that file; nothing is computed here.
The same file gives the same bytes.
"""

import itertools
import json
import pathlib
import sys
import textwrap

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams.update({
    "svg.hashsalt": "sftbench",  # else ids are drawn at random
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
})

import matplotlib.pyplot as plt  # noqa: E402  the backend is chosen first
from matplotlib.ticker import MaxNLocator  # noqa: E402

# Okabe and Ito's: told apart by the colour-blind, and in grey by their dashes.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9",
           "#6e4a9e", "#333333", "#8c8c8c", "#b0413e"]
DASHES = ["solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5))]
MARKERS = ["o", "s", "^", "D"]
WIDTH = 5.2  # inches


class Looks:
    """A colour a method and a dash a way of batching, alike in all pictures."""

    def __init__(self, groups):
        self.colours, self.dashes = {}, {}
        for group in groups:
            for picture in group["pictures"]:
                for kind in ("lines", "points", "forest", "bars"):
                    for look in picture.get(kind, []):
                        self._add(look)

    def _add(self, look):
        if look["colour"]:
            self.colours.setdefault(look["colour"], len(self.colours))
        if look["dash"]:
            self.dashes.setdefault(look["dash"], len(self.dashes))

    def colour(self, look):
        return COLOURS[self.colours.get(look["colour"], -1) % len(COLOURS)]

    def dash(self, look):
        return DASHES[self.dashes.get(look["dash"], 0) % len(DASHES)]

    def marker(self, look):
        return MARKERS[self.dashes.get(look["dash"], 0) % len(MARKERS)]


def _numbers(values):
    return [float("nan") if value is None else value for value in values]


def _errors(value, interval):
    if interval is None or None in interval:
        return None
    return [[max(value - interval[0], 0)], [max(interval[1] - value, 0)]]


def _wrapped(text, width):
    return "\n".join(textwrap.wrap(text, width))


def _balanced(text, most):
    """One line, or lines of like length."""
    return text if len(text) <= most else _wrapped(
        text, min(most, len(text) // 2 + 6))


def draw_plot(picture, looks, axes):
    levels = {}
    for level, dash in zip(picture.get("levels", []), itertools.cycle(DASHES)):
        levels[level["label"]] = axes.axvline(
            level["x"], color="0.5", linewidth=0.8, linestyle=dash)
    for one in picture.get("ellipses", []):
        axes.fill(_numbers(one["x"]), _numbers(one["y"]), alpha=0.15,
                  color=looks.colour(one), linewidth=0)
    named = {}
    for line in picture.get("lines", []):
        (drawn,) = axes.plot(_numbers(line["x"]), _numbers(line["y"]),
                             color=looks.colour(line),
                             linestyle=looks.dash(line), linewidth=1)
        named.setdefault(f"{line['colour']} {line['dash']}".strip(), drawn)
    for point in picture.get("points", []):
        if point["x"] is None or point["y"] is None:
            continue
        drawn = axes.errorbar(
            point["x"], point["y"], _errors(point["y"], point.get("y_interval")),
            _errors(point["x"], point.get("x_interval")),
            fmt=looks.marker(point), color=looks.colour(point), markersize=4,
            elinewidth=0.8)
        named.setdefault(f"{point['colour']} {point['dash']}".strip(), drawn)
        if point["marked"]:
            axes.plot(point["x"], point["y"], "o", markersize=9, color="black",
                      fillstyle="none", markeredgewidth=0.8)
        if "text" in point:
            axes.annotate(point["text"], (point["x"], point["y"]), fontsize=5,
                          xytext=(5, 4), textcoords="offset points",
                          color="0.35")
    axes.set_xlabel(_balanced(picture["x"]["label"], 70))
    axes.set_ylabel(_balanced(picture["y"]["label"], 42))
    xs = {x for line in picture.get("lines", []) for x in line["x"]}
    if picture["x"]["log"]:
        axes.set_xscale("log")
        if 0 < len(xs) <= 8:  # a grid's own values
            axes.set_xticks(sorted(xs), [f"{x:g}" for x in sorted(xs)])
            axes.minorticks_off()
    elif xs and all(isinstance(x, (int, float)) and x == int(x) for x in xs):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if picture["y"]["log"]:
        axes.set_yscale("log")
    named = {**(named if len(named) <= 12 else {}), **levels}
    if named:
        axes.legend(named.values(), named.keys(), fontsize=6)


def _label_rows(axes, rows):
    axes.set_yticks(range(len(rows)), [_wrapped(row["label"], 46)
                                       for row in rows], fontsize=6)
    axes.set_ylim(len(rows) - 0.4, -0.6)


def draw_forest(picture, looks, axes):
    rows = picture["forest"]
    axes.axvline(0, color="0.4", linewidth=0.8)
    for i, row in enumerate(rows):
        if "detectable" in row:
            axes.barh(i, 2 * row["detectable"], left=-row["detectable"],
                      height=0.7, color="0.9")
        if row["value"] is None:
            continue
        axes.errorbar(row["value"], i, None,
                      _errors(row["value"], row.get("interval")), fmt="o",
                      color=looks.colour(row), markersize=4)
        axes.annotate(row["verdict"], (1.01, i), fontsize=6, va="center",
                      xycoords=("axes fraction", "data"))
    _label_rows(axes, rows)
    axes.set_xlabel(picture["x"]["label"])


def draw_bars(picture, looks, axes):
    rows, parts = picture["bars"], picture["parts"]
    height = 0.8 if picture["stacked"] else 0.8 / len(parts)
    ends = [0.0] * len(rows)
    for k, part in enumerate(parts):
        values = [row["values"][k] or 0 for row in rows]
        shift = 0 if picture["stacked"] else (k - (len(parts) - 1) / 2) * height
        axes.barh([i + shift for i in range(len(rows))], values, height,
                  left=ends if picture["stacked"] else None, label=part,
                  color=COLOURS[k % len(COLOURS)])
        ends = [end + value for end, value in zip(ends, values)]
    _label_rows(axes, rows)
    axes.set_xlabel(picture["x"]["label"])
    axes.legend(fontsize=6, ncols=4, loc="upper center",
                bbox_to_anchor=(0.4, -0.12 - 0.6 / (len(rows) + 1)))


def draw_heat(picture, looks, axes):
    columns = picture["heat_columns"]
    shares = []
    for row in picture["heat"]:
        shares.append([])
        for j, value in enumerate(row):
            column = [r[j] for r in picture["heat"] if r[j] is not None]
            if value is None or not column:
                shares[-1].append(float("nan"))
                continue
            width = max(column) - min(column)
            share = (value - min(column)) / width if width > 0 else 0.5
            lower = "(lower is better)" in columns[j]
            shares[-1].append(1 - share if lower else share)
    axes.imshow(shares, cmap="Blues", vmin=-0.2, vmax=1.6, aspect="auto")
    for i, row in enumerate(picture["heat"]):
        for j, value in enumerate(row):
            if value is not None:
                axes.text(j, i, f"{value:.4g}", ha="center", va="center",
                          fontsize=7)
    axes.set_xticks(range(len(columns)), [_wrapped(c, 18) for c in columns],
                    fontsize=6)
    axes.set_yticks(range(len(picture["heat_rows"])),
                    [_wrapped(r, 30) for r in picture["heat_rows"]],
                    fontsize=6)


# What a picture holds says how it is drawn: a row each, and what is left is a
# plot.
KINDS = [("forest", draw_forest, lambda p: 0.9 + 0.3 * len(p["forest"])),
         ("bars", draw_bars, lambda p: 1.2 + 0.28 * len(p["bars"])),
         ("heat", draw_heat, lambda p: 1.1 + 0.4 * len(p["heat"]))]


def draw(picture, looks):
    drawer, height = draw_plot, 3.4
    for key, function, height_of in KINDS:
        if key in picture:
            drawer, height = function, height_of(picture)
    caption = textwrap.wrap(picture["caption"], 118)
    height = max(height, 1.6) + 0.11 * len(caption)
    figure, axes = plt.subplots(figsize=(WIDTH, height))
    axes.set_title(_wrapped(picture["title"], 70), fontsize=9)
    drawer(picture, looks, axes)
    # Warnings and baselines are in it: it belongs to the picture.
    figure.supxlabel("\n".join(caption), x=0.01, ha="left", fontsize=6,
                     color="0.35")
    return figure


def save(figure, path):
    """As SVG and PDF without a date, which would differ each time."""
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
    plt.close(figure)


def main(folder):
    folder = pathlib.Path(folder)
    document = json.loads((folder / "pictures.json").read_text("utf-8"))
    looks = Looks(document["pictures"])
    for group in document["pictures"]:
        for k, picture in enumerate(group["pictures"]):
            suffix = f"-{k + 1}" if len(group["pictures"]) > 1 else ""
            name = group["name"] + suffix
            save(draw(picture, looks), folder / (name + ".svg"))
            print(f"{name}.svg and .pdf: {picture['title']}")
    for one in document["missing"]:
        print(f"no picture '{one['name']}': it needs {one['needs']}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
