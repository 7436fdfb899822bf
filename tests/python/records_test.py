"""load() of python/sftbench against what the program says of the same records,
and the notebook that is made with it.

    records_test.py SFTBENCH
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import support

support.forget_skips()
support.run_again_with("records", "h5py", "pandas")

import pandas as pd  # noqa: E402

import sftbench  # noqa: E402

STORES = ["sst2", "multi30k", "wnut17", "xquad", "dialogsum", "alpaca"]


def queried(store, columns):
    rows = json.loads(support.program("query", store, "--format", "json",
                                      "--columns", ",".join(columns)))
    return pd.DataFrame(rows).set_index("run_id").sort_index()


def check_store(store):
    sweep = sftbench.load(store)
    runs = sweep.runs.set_index("run_id").sort_index()
    assert len(sweep.damaged) == 0
    # Config, facts and measures, number by number.
    names = ["method", "batching", "seed", "learning_rate", "status",
             "fact.real_tokens", "fact.trainable_parameters",
             "measured.train_peak_rss_bytes", "measured.train_wall_seconds"]
    scores, rounds = {}, {}
    for key, rows in sweep.scores.groupby(["task", "split", "metric"]):
        scores["/".join(key)] = rows
    plain = sweep.evals[sweep.evals["point"] == 0]
    for key, rows in plain.groupby(["task", "split", "metric", "round"]):
        name = "/".join(key[:3]) + f"@{key[3]}"
        rounds[name] = rows.drop_duplicates("run_id", keep="last")
    said = queried(store, ["run_id", *names, *scores, *rounds])
    assert list(said.index) == list(runs.index)
    for name in names:
        mine, theirs = runs[name], said[name]
        if name in ("method", "batching", "status"):
            assert (mine == theirs).all(), name
        else:
            theirs = pd.to_numeric(theirs, errors="coerce")
            assert ((mine == theirs) | (mine.isna() & theirs.isna())).all(), name
    # The last score of every task, split and metric, and every round's.
    for name, rows in {**scores, **rounds}.items():
        theirs = pd.to_numeric(said[name], errors="coerce")
        mine = rows.set_index("run_id")["value"].sort_index()
        assert (mine == theirs[mine.index]).all(), name
    # A mean of items is their mean.
    means = sweep.evals[sweep.evals["metric"].isin(["accuracy"])]
    for _, row in means.iterrows():
        items = sweep.items
        for key in ("run_id", "task", "split", "round", "point", "metric"):
            items = items[items[key] == row[key]]
        assert len(items) > 0
        assert abs(items["score"].mean() - row["value"]) < 1e-9
    # A step a row, rounds from 1, and as many as the facts say.
    steps = sweep.curves.groupby("run_id")["step"].count()
    for run_id, run in runs.iterrows():
        wanted = 0 if run["method"] == "untuned" else run[
            "fact.optimizer_steps"]
        assert steps.get(run_id, 0) == wanted, run_id
    assert sweep.curves["round"].min() == 1
    tidy = sweep.with_axes(sweep.curves)
    assert {"method", "seed"} <= set(tidy) and len(tidy) == len(sweep.curves)
    assert len(sftbench.load(store, items=False).items) == 0
    return sweep


def check_errors(scratch):
    for broken in (scratch / "nowhere", scratch):
        try:
            sftbench.load(broken)
        except FileNotFoundError as error:
            assert str(broken) in str(error)
        else:
            raise AssertionError(f"{broken}: was loaded")
    (scratch / "bad.h5").write_bytes(b"no record")
    damaged = sftbench.load(scratch).damaged
    assert list(damaged["file"]) == ["bad"] and "no record" in damaged["why"][0]


def check_notebook(store):
    path = support.ROOT / "python" / "sweep.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in cells), "committed with output"
    # What Jupyter refuses a notebook without.
    assert notebook["nbformat"] == 4 and "metadata" in notebook
    assert len({cell["id"] for cell in notebook["cells"]}) == len(
        notebook["cells"])
    assert all(cell["execution_count"] is None for cell in cells)
    os.environ["SFTBENCH_SWEEP"] = str(store)
    os.environ["SFTBENCH_PYTHON_DIR"] = str(support.ROOT / "python")
    try:
        import matplotlib
    except ImportError:
        support.skip("notebook", "tools", "no matplotlib (./setup.sh)",
                     in_part=True)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot
    names = {}
    for cell in cells:
        exec(compile("".join(cell["source"]), str(path), "exec"), names)
    drawn = [pyplot.figure(number) for number in pyplot.get_fignums()]
    assert len(drawn) == 3, f"{len(drawn)} figures"
    for figure in drawn:
        assert figure.axes and figure.axes[0].lines, "an empty figure"


def check_readme(store, scratch):
    """README's block, pasted into a folder that has run the demo."""
    text = (support.ROOT / "README.md").read_text("utf-8")
    block = text.partition("<!-- pandas -->\n```sh\n")[2].partition("```")[0]
    assert "sftbench.load" in block
    (scratch / "results" / "demo").mkdir(parents=True)
    shutil.copy(store, scratch / "results" / "demo" / "demo.h5")
    (scratch / "python").symlink_to(support.ROOT / "python")
    (scratch / ".venv" / "bin").mkdir(parents=True)
    python = scratch / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -B "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(["bash", "-euc", block], cwd=scratch, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "untuned" in done.stdout and "sst2" in done.stdout, done.stdout


if __name__ == "__main__":
    for store_name in STORES:
        check_store(support.REFERENCE / f"{store_name}.h5")
        print("ok", store_name)
    with tempfile.TemporaryDirectory() as folder:
        check_errors(pathlib.Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        check_readme(support.REFERENCE / "sst2.h5", pathlib.Path(folder))
    check_notebook(support.REFERENCE / "sst2.h5")
    print("ok")
