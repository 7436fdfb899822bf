#!/usr/bin/env python3
"""What a neighbour on the same cores costs a step, by how threads wait.

  scripts/neighbour_bench.py --sftbench build/sftbench [--rounds 5]
      [--settings before,ours,GOMP_SPINCOUNT=0] [--models tiny,default]

Whole runs of two threads, settings and situations interleaved: alone (quiet),
beside one and three busy processes, two runs at once (--jobs 2), and in a
control group of one core's quota, where groups can be made. The time is that of
the steps, but the first. A table has medians in seconds and their ratio to
`before` alone; each measurement goes to standard error. A setting is "ours"
(nothing is set: what sftbench chooses), "before" (libgomp's own choice) or
VARIABLE=VALUE[+VARIABLE=VALUE]. Exit status 1: a digest differs between
settings, or a run failed. Keep the machine quiet.
"""
import argparse
import collections
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import h5py

SPEC = """\
question: what does a neighbour cost?
model: {model}
train: [bbc_headlines]
evaluate: {{tasks: []}}
budget: {{steps: {steps}}}
set: {{threads: 2, train_limit: 64, test_limit: 1, validation_limit: 1}}
grid: {{method: [full], batching: [padded], seed: [0, 1]}}
baseline: {{method: full}}
"""
MODELS = {"tiny": ("glassllm", 60), "default": ("smollm2-135m-instruct", 5)}
SITUATIONS = ["quiet", "1 neighbour", "3 neighbours", "two runs", "quota 1"]
VARIABLES = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"]
PERIOD_US = 100_000


class Quota:
    """A control group of one core's time, of version 2 or 1; or none."""

    def __init__(self):
        name = f"neighbour_bench_{os.getpid()}"
        self.folder = None
        for root, file, value in (
                ("/sys/fs/cgroup", "cpu.max", f"{PERIOD_US} {PERIOD_US}"),
                ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", f"{PERIOD_US}")):
            # Where groups are not mounted this would be a plain folder.
            if not (pathlib.Path(root) / "cgroup.procs").exists():
                continue
            folder = pathlib.Path(root) / name
            try:
                folder.mkdir()
            except OSError:
                continue
            try:
                (folder / file).write_text(value)
                self.folder = folder
                return
            except OSError:
                folder.rmdir()

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        if self.folder:
            self.folder.rmdir()


def environment(setting):
    out = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    if setting == "before":
        # What libgomp takes where nothing is set and threads fit the cores.
        out["GOMP_SPINCOUNT"] = "300000"
    elif setting != "ours":
        out.update(word.split("=", 1) for word in setting.split("+"))
    return out


class Bench:
    def __init__(self, program, model, top, quota):
        self.program, self.quota = program, quota
        self.folder = top / model
        self.folder.mkdir()
        name, steps = MODELS[model]
        self.spec = self.folder / "spec.yaml"
        self.spec.write_text(SPEC.format(model=name, steps=steps))
        # Warms the caches, and leaves the untuned run's record for all.
        done = self.start(self.folder / "warm", "before", "seed=0")
        error = done.communicate()[1].decode()
        if done.returncode != 0:
            sys.exit(f"the first run: {error}")
        for path in (self.folder / "warm/runs").glob("*.h5"):
            with h5py.File(path) as record:
                is_trained = len(record["measured/train/wall_seconds"]) > 0
            if is_trained:
                path.unlink()
        self.digests = {}

    def start(self, out, setting, part, jobs=1, enter=None):
        return subprocess.Popen(
            [self.program, "run", self.spec, "--out", out, "--filter", part,
             "--jobs", str(jobs), "--keep-weights", "none"],
            env=environment(setting), preexec_fn=enter,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def seconds(self, situation, setting):
        """Of a run's steps, but the first; the mean of two runs at once."""
        out = self.folder / "out"
        shutil.copytree(self.folder / "warm/runs", out / "runs")
        busy = int(situation[0]) if situation[0].isdigit() else 0
        neighbours = [subprocess.Popen([sys.executable, "-c",
                                        "while True: pass"])
                      for _ in range(busy)]
        both = situation == "two runs"
        try:
            process = self.start(
                out, setting, "seed=0,1" if both else "seed=0",
                2 if both else 1,
                self.quota.enter if situation == "quota 1" else None)
            error = process.communicate()[1].decode()
        finally:
            for neighbour in neighbours:
                neighbour.kill()
                neighbour.wait()
        if process.returncode != 0:
            sys.exit(f"{situation}, {setting}: {error}")
        walls, shares = [], []
        for path in (out / "runs").glob("*.h5"):
            with h5py.File(path) as record:
                wall = record["measured/train/wall_seconds"][1:]
                if not len(wall):
                    continue
                walls.append(wall.sum())
                shares.append(record["measured/train/cpu_seconds"][1:].sum()
                              / wall.sum())
                run = record.attrs["run_id"]
                digest = record.attrs["content_sha256"]
            if self.digests.setdefault(run, digest) != digest:
                sys.exit(f"{situation}, {setting}: {run} has another digest")
        shutil.rmtree(out)
        return statistics.mean(walls), statistics.mean(shares)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sftbench", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--settings", default="before,ours")
    parser.add_argument("--models", default="tiny,default")
    parser.add_argument("--situations", default=",".join(SITUATIONS))
    args = parser.parse_args()
    program = str(pathlib.Path(args.sftbench).resolve())
    settings = args.settings.split(",")
    if "before" not in settings:
        settings.insert(0, "before")
    quota = Quota()
    situations = args.situations.split(",")
    if not quota.folder and "quota 1" in situations:
        situations.remove("quota 1")
        print("no control group can be made here: no quota")
    top = pathlib.Path(tempfile.mkdtemp(prefix="neighbour_"))
    try:
        for model in args.models.split(","):
            bench = Bench(program, model, top, quota)
            walls = collections.defaultdict(list)
            shares = collections.defaultdict(list)
            for _ in range(args.rounds):
                for situation in situations:
                    for setting in settings:
                        wall, share = bench.seconds(situation, setting)
                        walls[setting, situation].append(wall)
                        shares[setting, situation].append(share)
                        print(f"{model}\t{situation}\t{setting}\t{wall:.3f} s",
                              file=sys.stderr, flush=True)
            median = {at: statistics.median(all) for at, all in walls.items()}
            print(f"\n{model} ({MODELS[model][0]}), {os.cpu_count()} cores, "
                  f"medians of {args.rounds}: seconds (x quiet before)")
            width = max(map(len, settings)) + 2
            print("".ljust(width) + "".join(s.rjust(18) for s in situations)
                  + "   quiet CPU/wall")
            for setting in settings:
                cells = (f"{median[setting, s]:.2f} ("
                         f"{median[setting, s] / median['before', 'quiet']:.2f}"
                         f")" for s in situations)
                share = statistics.median(shares[setting, situations[0]])
                print(setting.ljust(width)
                      + "".join(cell.rjust(18) for cell in cells)
                      + f"   {share:.2f}", flush=True)
            print(f"digests of {len(bench.digests)} runs: equal in all")
    finally:
        shutil.rmtree(top)
        quota.remove()


if __name__ == "__main__":
    main()
