#!/usr/bin/env python3
"""sftbench and its Python peers on the same work, whole processes, interleaved.

    side_by_side.py --sftbench build/sftbench --model smollm2-135m-instruct \
        --model-dir MODEL_DIR --work DIR --out side_by_side.h5

A cell is method/batching/dtype. For each cell and round: our run, then every
peer (scripts/decoder_peer.py) on the batches of our record, adapters beginning
with our draw. padding_free has
no peer of its own: it stands against the padded peers of its rows. Prints
medians and ratios, tab-separated; writes every raw figure to HDF5. MODEL_DIR
holds the same weights for transformers (`sftbench export RECORD --merged`).
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys

import h5py

SPEC = """\
question: how fast and how small?
model: {model}
train: [alpaca_en]
evaluate: {{tasks: []}}
budget: {{epochs: 1}}
set:
  max_length: 512
  train_limit: {rows}
  test_limit: 1
  validation_limit: 1
  learning_rate: {rate}
  schedule: constant
  warmup_ratio: 0
  batch_size: 4
  threads: {threads}
  dtype: {dtype}
{options}grid:
  method: [{method}]
  batching: [{batching}]
baseline: {{method: {method}}}
"""
CELLS = ("full/padded/bf16 lora/padded/bf16 qlora/padded/bf16 "
         "lora/padding_free/bf16 full/packed/bf16 lora/packed/bf16 "
         "qlora/packed/bf16 hft/packed/bf16 full/packed/f32 lora/packed/f32")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sftbench", required=True)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--model-dir", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cells", default=CELLS)
    parser.add_argument("--paths", default="trl trl-best bare")
    return parser.parse_args()


ARGS = arguments()


def run(command, **named):
    return subprocess.run(command, check=True, **named)


def train(folder, method, batching, dtype, rows, rate, save="false"):
    """Runs us on the first `rows` rows; the run's record is in `folder`."""
    options = ""
    if method in ("lora", "qlora"):
        options += "  lora.rank: 16\n  lora.alpha: 32\n"
    if batching == "packed":
        options += "  pack.strategy: bfd\n"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/spec.yaml", "w") as spec:
        spec.write(SPEC.format(
            model=ARGS.model, rows=rows, threads=ARGS.threads, rate=rate,
            dtype=dtype, options=options, method=method, batching=batching))
    run([ARGS.sftbench, "run", f"{folder}/spec.yaml", "--out", folder,
         f"--save_weights={save}"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    for path in glob.glob(f"{folder}/runs/*.h5"):
        with h5py.File(path) as record:
            if "train/loss" in record and len(record["train/loss"]):
                return path
    sys.exit(f"{folder}: no finished run")


def initial_adapter(method):
    """The adapter that our run begins with, as PEFT reads it: PEFT would draw
    another one, and the two trajectories could not be compared."""
    folder = f"{ARGS.work}/{method}-initial"
    if not os.path.exists(f"{folder}/adapter"):
        record = train(folder, method, "padded", "f32", 1, 1e-30, "true")
        run([ARGS.sftbench, "export", record, "--adapter", "--out",
             f"{folder}/adapter"], stdout=subprocess.DEVNULL)
    return f"{folder}/adapter"


def ours(method, batching, dtype, round_number):
    """Our figures of one fresh run, and its record."""
    path = train(f"{ARGS.work}/{method}-{batching}-{dtype}-{round_number}",
                 method, batching, dtype, ARGS.rows,
                 2e-5 if method in ("full", "hft") else 2e-4)
    with h5py.File(path) as record:
        measured = record["measured"]
        cpu = float(measured["run/train_cpu_seconds"][()])
        tokens = record["train/real_tokens"][:]
        return dict(
            losses=record["train/loss"][:].tolist(),
            tokens_per_cpu_second=float(tokens.sum()) / cpu,
            peak_resident_bytes=int(measured["memory/peak_rss_bytes"][()]),
            predicted_bytes=int(sum(
                item[()] for item in record["memory/predicted"].values())),
            seconds_to_first_step=float(
                measured["run/first_step_begun_seconds"][()]),
            seconds_to_first_step_done=float(
                measured["run/first_step_done_seconds"][()])), path


def peer(path, method, batching, dtype, batches):
    out = f"{ARGS.work}/peer.json"
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(
        [sys.executable, f"{here}/decoder_peer.py", ARGS.model_dir, batches,
         "--path", path, "--method", method, "--batching", batching, "--dtype",
         dtype, "--threads", str(ARGS.threads), "--out", out,
         "--scratch", f"{ARGS.work}/scratch",
         *(["--adapter", initial_adapter(method)]
           if method in ("lora", "qlora") else [])],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"# {path} {method}/{batching}/{dtype}: "
              f"{done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    with open(out) as lines:
        return json.load(lines)


FIGURES = ("tokens_per_cpu_second", "peak_resident_bytes", "predicted_bytes",
           "seconds_to_first_step", "seconds_to_first_step_done")


def keep(file, system, cell, round_number, figures):
    group = file.create_group(f"{'-'.join(cell)}/{system}/{round_number}")
    group["losses"] = figures["losses"]
    for name in FIGURES:
        if name in figures:
            group[name] = figures[name]


def medians(file, cell, system):
    """Of the rounds kept so far; None where there is none."""
    name = f"{'-'.join(cell)}/{system}"
    if name not in file:
        return None
    rounds = list(file[name].values())
    out = {figure: statistics.median(float(r[figure][()]) for r in rounds)
           for figure in FIGURES if figure in rounds[0]}
    out["losses"] = rounds[0]["losses"][:].tolist()
    return out


def print_table(file, cells, paths):
    print("cell", "against", "tok/CPU-s", "peer", "ratio", "peak MiB", "peer",
          "ratio", "predicted/peak", "first step s", "peer", "ratio",
          "done s", "peer", "ratio", "largest loss difference", sep="\t")
    for cell in cells:
        mine = medians(file, cell, "sftbench")
        if mine is None:
            continue
        mib = mine["peak_resident_bytes"] / 2**20
        share = mine["predicted_bytes"] / mine["peak_resident_bytes"]
        rivals = [path for path in paths if medians(file, cell, path)]
        for path in rivals or [None]:
            row = ["/".join(cell), path or "-"]
            other = medians(file, cell, path) if path else None

            def beside(name, shown, scale=1):
                row.append(shown.format(mine[name] / scale))
                row.append(shown.format(other[name] / scale) if other else "-")
                row.append(f"{mine[name] / other[name]:.2f}" if other else "-")

            beside("tokens_per_cpu_second", "{:.1f}")
            beside("peak_resident_bytes", "{:.0f}", 2**20)
            row.append(f"{share:.3f}")
            beside("seconds_to_first_step", "{:.2f}")
            beside("seconds_to_first_step_done", "{:.2f}")
            row.append(f"""{max(abs(a - b) for a, b in
                       zip(mine['losses'], other['losses'])):.1e}"""
                       if other else "-")
            print(*row, sep="\t")


def main():
    cells = [tuple(cell.split("/")) for cell in ARGS.cells.split()]
    paths = ARGS.paths.split()
    os.makedirs(ARGS.work, exist_ok=True)
    with h5py.File(ARGS.out, "w") as file:
        file.attrs["rows"] = ARGS.rows
        file.attrs["threads"] = ARGS.threads
        for round_number in range(1, ARGS.rounds + 1):
            for cell in cells:
                method, batching, dtype = cell
                figures, record = ours(method, batching, dtype, round_number)
                keep(file, "sftbench", cell, round_number, figures)
                batches = f"{ARGS.work}/batches.jsonl"
                with open(batches, "w") as lines:
                    run([ARGS.sftbench, "batches", record], stdout=lines)
                if method == "hft":
                    continue
                rows = "padded" if batching == "padding_free" else batching
                for path in paths:
                    figures = peer(path, method, rows, dtype, batches)
                    if figures:
                        keep(file, path, cell, round_number, figures)
                file.flush()
                print(f"# round {round_number} {'/'.join(cell)} done",
                      file=sys.stderr, flush=True)
        print_table(file, cells, paths)


if __name__ == "__main__":
    main()
