"""Records of sftbench as data frames. `harness/record/schema.h` of the program
names every path; a round is 0 for the base model and r after the r-th stage of
training, in all frames."""

import io
import json
import pathlib
from dataclasses import dataclass

import h5py
import numpy as np
import pandas as pd

_SEAL = b"sftbench "  # how every record begins, before its HDF5 data


@dataclass(frozen=True)
class Sweep:
    """The records of a sweep, as tidy frames that share the column run_id.

    runs     a row a run: status, axes, the config's fields, facts and measures
             (columns fact.*, measured.*, predicted.*, forgetting.*, text.*,
             build.*, host.*)
    scores   a row a run, task, split and metric: value after the last round
    evals    a row a run, task, split, round, point and metric; point is the
             step of a curve's point, the alpha of a rewound one, else 0
    items    a row a run, task, split, round, point, metric and item
    curves   a row a run and optimizer step; `round` as in evals
    damaged  a row a file that could not be read, with why
    """

    runs: pd.DataFrame
    scores: pd.DataFrame
    evals: pd.DataFrame
    items: pd.DataFrame
    curves: pd.DataFrame
    damaged: pd.DataFrame

    def with_axes(self, frame):
        """`frame` with the columns that vary in the sweep, method and seed."""
        names = list(dict.fromkeys(["method", "batching", *self.axes, "seed"]))
        names = [name for name in names if name in self.runs]
        axes = self.runs[["run_id", *names]]
        taken = [name for name in names if name in frame]
        return frame.drop(columns=taken).merge(axes, on="run_id")

    @property
    def axes(self):
        """Names of what varies in the sweep."""
        return list(self.runs.attrs["axes"])


def load(path, items=True):
    """The sweep in `path`: a folder of `sftbench run`, one file of
    `merge-records`, or one record. Attempts that failed stand in `runs` where a
    run has nothing better; what a search measured at its rungs is left out.
    `items=False` leaves the scores of single items out, which are most of a
    large sweep."""
    records, damaged = {}, []
    for name, opened in read_records(path):
        if isinstance(opened, Exception):
            damaged.append({"file": name, "why": str(opened)})
            continue
        with opened as file:
            if ".rung" in name:
                continue
            run_id = str(file.attrs["run_id"])
            # Names of attempts end in their number; a final record has none.
            attempt = name.rpartition(".attempt")[2] if "." in name else ""
            rank = int(attempt) if attempt.isdigit() else 1 << 40
            if run_id in records and records[run_id][0] > rank:
                continue
            records[run_id] = (rank, _parts(file, run_id, items))
    if not records and not damaged:
        raise FileNotFoundError(f"{path}: holds no record of sftbench")
    parts = [part for _, part in records.values()]
    runs = pd.DataFrame([part["run"] for part in parts])
    if not parts:
        runs = pd.DataFrame(columns=["run_id", "status", "status_message"])
    axes = dict.fromkeys(name for part in parts for name in part["axes"])
    runs.attrs["axes"] = [name for name in axes if name != "seed"]
    evals = pd.concat([p["evals"] for p in parts] or [_no_evals()],
                      ignore_index=True)
    return Sweep(
        runs=runs,
        scores=_last(evals),
        evals=evals,
        items=_joined([p["items"] for p in parts]),
        curves=_joined([p["curves"] for p in parts]),
        damaged=pd.DataFrame(damaged, columns=["file", "why"]),
    )


def read_records(path):
    """(name, open h5py.File or the error) of every record of a folder or file;
    for what the frames do not have."""
    path = pathlib.Path(path)
    if path.is_dir():
        runs = path / "runs"
        files = sorted((runs if runs.is_dir() else path).glob("*.h5"))
    elif path.exists():
        files = [path]
    else:
        raise FileNotFoundError(f"{path}: no such file or folder")
    for file in files:
        try:
            with open(file, "rb") as raw:
                if not raw.read(len(_SEAL)).startswith(_SEAL):
                    raise ValueError("is no record of sftbench")
            opened = h5py.File(file, "r")
        except (OSError, ValueError) as error:
            yield file.stem, error
            continue
        kind = opened.attrs["kind"]
        if kind == "run":
            yield file.stem, opened
            continue
        with opened:
            if kind == "merged":
                yield file.stem, ValueError(
                    "was merged by an older build: sftbench merge-records "
                    "writes it anew")
                continue
            for name, stored in opened["runs"].items():
                try:
                    yield _decoded(name), h5py.File(
                        io.BytesIO(stored[:].tobytes()), "r")
                except OSError as error:
                    yield _decoded(name), error


def _decoded(component):
    """A name out of a component of a path ("/" and "%" are escaped)."""
    if component == "%":
        return ""
    parts = component.split("%")
    return parts[0] + "".join(
        chr(int(part[:2], 16)) + part[2:] for part in parts[1:])


def _typed(text):
    """A number or truth value where the text is one, else the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float)) else text


def _config(file):
    if "config_json" in file.attrs:
        return json.loads(file.attrs["config_json"])
    # A record of an older build has the text alone.
    lines = file.attrs["config"].splitlines()
    pairs = (line.split(" = ", 1) for line in lines if line)
    return {name: _typed(value) for name, value in pairs}


def _axes(file):
    if "axes_json" in file.attrs:
        return json.loads(file.attrs["axes_json"])
    return {name: _typed(text) for name, text in file["axes"].attrs.items()}


def _numbers(file, group, prefix):
    """The scalars below a group, by their names with `prefix` before them."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset) and node.shape == ():
            parts = [_decoded(part) for part in name.split("/")]
            found[prefix + "/".join(parts)] = node[()].item()

    if group in file:
        file[group].visititems(visit)
    return found


def _parts(file, run_id, items):
    evals, scored = _evaluations(file, run_id, items)
    config, axes = _config(file), _axes(file)
    run = {"run_id": run_id, "status": str(file.attrs["status"]),
           "status_message": str(file.attrs["status_message"])}
    for name, value in {**config, **axes}.items():
        run[name] = ",".join(map(str, value)) if isinstance(
            value, list) else value
    for group, prefix in (("facts", "fact."), ("forgetting", "forgetting."),
                          ("memory/predicted", "predicted."),
                          ("measured/memory/categories", "memory."),
                          ("measured/throughput", "measured."),
                          ("measured/run", "measured.")):
        run.update(_numbers(file, group, prefix))
    if "measured/memory" in file:
        for name, node in file["measured/memory"].items():
            if isinstance(node, h5py.Dataset):
                run["measured." + _decoded(name)] = node[()].item()
    for group, prefix in (("texts", "text."), ("provenance/build", "build."),
                          ("provenance/run", "host.")):
        if group in file:
            run.update({prefix + name: str(value)
                        for name, value in file[group].attrs.items()})
    return {"run": run, "axes": axes, "evals": evals, "items": scored,
            "curves": _curves(file, run_id)}


def _curves(file, run_id):
    columns = {"run_id": run_id}
    for group in ("train", "measured/train"):
        for name, node in file.get(group, {}).items():
            columns[name] = node[:]
    if len(columns.get("step", ())) == 0:
        return pd.DataFrame()
    frame = pd.DataFrame(columns)
    # The file counts stages from 0; 0 is the base model here.
    frame["round"] = frame["round"] + 1
    first = ["run_id", "round", "step"]
    return frame[first + [n for n in frame.columns if n not in first]]


_EVAL = ["run_id", "task", "split", "round", "point", "metric", "value", "unit",
         "higher_is_better", "is_primary", "signature"]


def _no_evals():
    return pd.DataFrame(columns=_EVAL)


class _Rows:
    """Evaluations of one run as they are found, in the record's order."""

    def __init__(self, run_id, with_items):
        self.run_id, self.with_items = run_id, with_items
        self.evals, self.items = [], []

    def add(self, order, key, metrics, row_ids):
        """`metrics`: (name, attributes, unit, value, items or None)."""
        for name, attributes, unit, value, items in metrics:
            place = int(attributes["order"])
            self.evals.append((
                (order, place),
                {"run_id": self.run_id, **key, "metric": name, "value": value,
                 "unit": unit, "higher_is_better":
                 bool(attributes["higher_is_better"]),
                 "is_primary": place == 0,
                 "signature": str(attributes["signature"])}))
            if items is None or not self.with_items:
                continue
            frame = pd.DataFrame({"run_id": self.run_id, **key, "metric": name,
                                  "item": np.arange(len(items)),
                                  "score": items})
            # A token of a held-out text has no row of its own.
            has_ids = row_ids is not None and len(row_ids) == len(items)
            frame.insert(len(frame.columns) - 1, "row_id",
                         row_ids if has_ids else -1)
            self.items.append(((order, place), frame))

    def frames(self):
        by_order = lambda entry: entry[0]  # noqa: E731
        evals = [row for _, row in sorted(self.evals, key=by_order)]
        items = [frame for _, frame in sorted(self.items, key=by_order)]
        return pd.DataFrame(evals, columns=_EVAL), _joined(items)


def _evaluations(file, run_id, with_items):
    rows = _Rows(run_id, with_items)
    for task, splits in file.get("eval", {}).items():
        for split, rounds in splits.items():
            for name, group in rounds.items():
                key = {"task": _decoded(task), "split": _decoded(split),
                       "round": int(name.split(".")[0]), "point": 0.0}
                rows.add(int(group.attrs["order"]), key, [
                    (_decoded(metric), node.attrs,
                     str(node["value"].attrs["unit"]), node["value"][()],
                     node["items"][:] if "items" in node else None)
                    for metric, node in group["metrics"].items()
                ], group["row_ids"][:] if "row_ids" in group else None)
    # Records of several rounds or points keep one array a set and split.
    for splits in file.get("series", {}).values():
        for group in splits.values():
            _add_series(group, rows)
    return rows.frames()


def _add_series(group, rows):
    order, rounds = group["order"][:], group["round"][:]
    points = group["point"][:] if "point" in group else np.zeros(len(order))
    row_ids = group["row_ids"][:] if "row_ids" in group else None
    metrics = [(_decoded(name), node.attrs, str(node["value"].attrs["unit"]),
                node["value"][:],
                node["items"][:] if "items" in node else None)
               for name, node in group["metrics"].items()]
    for p in range(len(order)):
        key = {"task": str(group.attrs["task"]),
               "split": str(group.attrs["split"]),
               "round": int(rounds[p]), "point": float(points[p])}
        rows.add(int(order[p]), key,
                 [(name, attributes, unit, values[p],
                   None if items is None else items[p])
                  for name, attributes, unit, values, items in metrics],
                 row_ids)


def _last(evals):
    """Of each run, task, split and metric the value after the last round."""
    ends = evals[evals["point"] == 0]
    ends = ends[~ends["split"].isin(["curve", "rewind"])]
    keys = ["run_id", "task", "split", "metric"]
    return (ends.drop_duplicates(keys, keep="last").drop(columns="point")
            .reset_index(drop=True))


def _joined(frames):
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return pd.DataFrame()
    return pd.concat(frames, ignore_index=True)
