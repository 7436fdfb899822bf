#!/usr/bin/env python3
"""Runs the experiments on forgetting, two runs at a time, and keeps their
records; and the seven applications, where these are named.

  scripts/run_experiments.py [NAME...]        the six on forgetting, in order
  scripts/run_experiments.py applications     the seven
  scripts/run_experiments.py --collect [NAME...]
  scripts/run_experiments.py --take-over
  scripts/run_experiments.py --tables [NAME...]
  scripts/run_experiments.py --rehearse DIR [NAME...]

Typed again after a kill it goes on. A run that an earlier experiment made is
taken from there. When a call ends, what has finished lies in
results/reference/NAME/batch-K.h5, to be committed; --collect writes such a
batch while the sweep goes on, and on a fresh checkout the batches are where it
goes on from. When all runs are there they are verified and merged, once, into
results/reference/NAME.h5, and the batches go. Behind learning_rate, its rates
are written into the specs that have no records yet (--take-over: that alone).

Refuses a program that was built of changed sources, and changes other than the
specs' and the results'. --rehearse does all of it below DIR, in minutes, from
any tree: a tiny model, one seed, short rows. Needs h5py and a built sftbench.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import h5py

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORGETTING = ["learning_rate", "forgetting", "sequence", "hft_shape", "replay",
              "packing_steps"]
APPLICATIONS = [f"{name}_seeds" for name in
                ["sst2", "wnut17", "multi30k", "xquad", "dialogsum", "alpaca",
                 "roleplay"]]
NAMES = FORGETTING + APPLICATIONS
SOURCES = ["CMakeLists.txt", "cmake", "datasets", "harness", "methods",
           "third_party", "experiments/*.cc", "experiments/*.h"]
REHEARSAL = [(r"^model: .*", "model: glassllm"),
             (r"seed: \[0,[^]]*\]", "seed: [0]"),
             (r"max_length: 512", "max_length: 128"),
             (r"target_tokens: 24000", "target_tokens: 4500"),
             (r"target_tokens: (20000|5000|2500|500)\b", "target_tokens: 500"),
             (r"(steps: 120|epochs: 2)\b", "steps: 4"),
             (r"test_limit: (0|300)\b", "test_limit: 20"),
             (r"heldout_tokens: 4096", "heldout_tokens: 1024")]
BYTES_A_RUN = 80_000
# What the specs call a rate, and the cells that it is selected among.
PLAIN = {"lora.dora": "false", "lora.rslora": "false", "lora.init": "kaiming"}
RATES = {**{m: {"method": m} for m in
            ["full", "hft", "l2sp", "mofo", "lisa", "ssu", "qlora", "oft"]},
         "lora": {"method": "lora", **PLAIN},
         "dora": {"method": "lora", **PLAIN, "lora.dora": "true"},
         "rslora": {"method": "lora", **PLAIN, "lora.rslora": "true"},
         "pissa": {"method": "lora", **PLAIN, "lora.init": "pissa"}}


def fail(text):
    sys.exit(f"error: {text}")


class Experiments:
    def __init__(self, program, root):
        self.program = str(program)
        self.specs = root / "experiments"
        self.runs = root / "results" / "runs"
        self.reference = root / "results" / "reference"

    def spec(self, name):
        return self.specs / f"{name}.yaml"

    def out(self, name):
        return self.runs / name

    def merged(self, name):
        return self.reference / f"{name}.h5"

    def batches(self, name):
        return sorted((self.reference / name).glob("batch-*.h5"))

    def ask(self, *words):
        done = subprocess.run([self.program, *map(str, words)], cwd=ROOT,
                              capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"sftbench {words[0]}: exit status {done.returncode}\n"
                 f"{done.stderr}")
        return done.stdout

    def rows(self, text):
        lines = [line.split("\t") for line in text.splitlines()]
        return [dict(zip(lines[0], line)) for line in lines[1:]]

    def planned(self, name):
        """The ids of a spec's runs, in order."""
        plan = self.ask("run", self.spec(name), "--out", self.out(name),
                        "--dry-run")
        return re.findall(r"^([0-9a-f]{16})\t", plan, re.MULTILINE)

    def finished(self, name):
        return {path.name[:16] for path in self.out(name).glob("runs/*.h5")
                if re.fullmatch(r"[0-9a-f]{16}\.h5", path.name)}

    def bring(self, name, ids):
        """Records of these runs that lie elsewhere."""
        wanted = set(ids) - self.finished(name)
        folder = self.out(name) / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        for other in NAMES:
            for run in sorted(wanted & self.finished(other)):
                self.publish(self.out(other) / "runs" / f"{run}.h5",
                             folder / f"{run}.h5")
                print(f"{name}: {run} is a run of {other}")
                wanted.remove(run)
            files = [self.merged(other)] if self.merged(other).exists() else []
            for path in files + self.batches(other):
                with h5py.File(path) as file:
                    for run in sorted(wanted & set(file["runs"])):
                        part = folder / f".{run}.part"
                        part.write_bytes(file["runs"][run][()].tobytes())
                        self.publish(part, folder / f"{run}.h5")
                        part.unlink()
                        print(f"{name}: {run} is in {path.name} of {other}")
                        wanted.remove(run)

    @staticmethod
    def publish(source, target):
        part = target.with_name(f".{target.name}.copy")
        shutil.copyfile(source, part)
        os.replace(part, target)

    def collect(self, name):
        """What has finished and is in no batch becomes one."""
        if self.merged(name).exists():
            return
        kept = set()
        for path in self.batches(name):
            with h5py.File(path) as file:
                kept |= set(file["runs"])
        new = sorted(self.finished(name) - kept)
        if not new:
            return
        path = (self.reference / name /
                f"batch-{len(self.batches(name)) + 1}.h5")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.ask("merge-records",
                 *[self.out(name) / "runs" / f"{run}.h5" for run in new], path)
        print(f"{name}: {len(new)} new runs in {path}: to be committed")

    def sweep(self, name):
        """One call of `run`; its exit status. It saves when it is told to."""
        words = ["nice", "-n", "10", self.program, "run", self.spec(name),
                 "--out", self.out(name), "--jobs", "2",
                 "--keep-weights", "none"]
        child = subprocess.Popen(list(map(str, words)), cwd=ROOT)

        def tell(number, _):
            # At a terminal it has had the signal already; a second one would
            # not wait for the runs.
            if number != signal.SIGINT:
                child.send_signal(signal.SIGTERM)
        old = {number: signal.signal(number, tell)
               for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return child.wait()
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def provenance(self, name, ids):
        """That all records are of one revision, and of a clean one."""
        found = {}
        for run in ids:
            with h5py.File(self.out(name) / "runs" / f"{run}.h5") as file:
                build = file["provenance/build"].attrs
                key = (build["revision"], build["dirty"])
                found.setdefault(key, []).append(run)
        return found

    def finish(self, name, ids, rehearsal):
        missing = sorted(set(ids) - self.finished(name))
        if missing:
            print(f"{name}: {len(missing)} of {len(ids)} runs are missing, "
                  f"first {missing[0]}; 'sftbench status {self.out(name)}' "
                  f"says why")
            return False
        found = self.provenance(name, ids)
        if not rehearsal and (len(found) > 1 or
                              next(iter(found))[1] != "false"):
            for (revision, dirty), runs in found.items():
                print(f"  {revision}, {'changed' if dirty == 'true' else ''}: "
                      f"{len(runs)} runs, first {runs[0]}")
            fail(f"{name}: its records are not of one clean revision: move "
                 f"the others out of {self.out(name)}/runs and start again")
        self.ask("verify", self.out(name))
        part = self.merged(name).with_suffix(".part.h5")
        part.unlink(missing_ok=True)
        self.reference.mkdir(parents=True, exist_ok=True)
        self.ask("merge-records", self.out(name), part)
        self.ask("verify", part)
        os.replace(part, self.merged(name))
        shutil.rmtree(self.reference / name, ignore_errors=True)
        size = self.merged(name).stat().st_size
        print(f"{name}: {len(ids)} runs, {size} bytes, {size // len(ids)} a "
              f"run, in {self.merged(name)}")
        if size > BYTES_A_RUN * len(ids):
            print(f"warning: {name}: above {BYTES_A_RUN} bytes a run")
        return True

    def selected_rates(self):
        """By validation loss, of runs that ended well."""
        merged = self.merged("learning_rate")
        axes = self.ask("query", merged).splitlines()[0].split("\t")
        columns = ["method", *(axis for axis in PLAIN if axis in axes),
                   "learning_rate", "status",
                   "alpaca_en/validation/validation_loss"]
        rows = [row for row in
                self.rows(self.ask("query", merged,
                                   "--columns", ",".join(columns)))
                if row["status"] == "ok"]
        rates = {}
        for name, cells in RATES.items():
            of_name = [row for row in rows
                       if all(row.get(k, PLAIN.get(k)) == v
                              for k, v in cells.items())]
            if of_name:
                rates[name] = float(min(
                    of_name, key=lambda row: float(row[columns[-1]])
                )["learning_rate"])
        return rates

    def take_over(self):
        """Writes rates where a spec's line says `# rate: NAME, NAME / 10`."""
        rates = self.selected_rates()

        def written(match):
            numbers = []
            for word in match["names"].split(","):
                name, _, divisor = word.strip().partition(" / ")
                if name not in rates:
                    return match[0]
                rate = rates[name] / float(divisor or 1)
                numbers.append(re.sub(r"e([+-])0", r"e\1", f"{rate:.1e}"))
            value = numbers[0]
            if len(numbers) > 1:
                value = f"[{', '.join(numbers)}]"
            return (f"learning_rate: {value}{match['behind']}"
                    f"# rate: {match['names']}")
        for name in FORGETTING[1:]:
            path = self.spec(name)
            text = path.read_text()
            new = re.sub(r"learning_rate: (\[[^]]*\]|[-+.e0-9]+)"
                         r"(?P<behind>\}*  )# rate: (?P<names>.*)",
                         written, text)
            if new == text:
                continue
            if self.merged(name).exists() or self.batches(name) or \
                    self.finished(name):
                fail(f"{path} has records of other rates than learning_rate "
                     f"selects: a spec that has records is not edited")
            path.write_text(new)
            print(f"{name}: has other rates now: to be committed")

    def tables(self, name):
        source = self.merged(name)
        if not source.exists():
            source = self.out(name)
        if source.exists():
            print(f"# {name}\n")
            print(self.ask("report", source))


def check_tree(program):
    """The revision of the program, which must be the tree's."""
    version = subprocess.run([program, "--version"], capture_output=True,
                             text=True, check=True).stdout
    revision = version.split()[1].rstrip(",")
    if "(changed)" in version:
        fail(f"{program} was built of changed sources: commit and build again")

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True,
                              text=True)
    specs = {f"experiments/{name}.yaml" for name in NAMES}
    for line in git("status", "--porcelain", "-uall").stdout.splitlines():
        path = line[3:]
        if path not in specs and not path.startswith("results/"):
            fail(f"{path} is changed: records are made of a clean tree")
    if git("diff", "--quiet", revision, "--", *SOURCES).returncode != 0:
        fail(f"{program} is of revision {revision}, and its sources have "
             f"changed since: build again")


def rehearsal_below(folder):
    folder = pathlib.Path(folder).resolve()
    specs = folder / "experiments"
    specs.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        path = specs / f"{name}.yaml"
        if not path.exists():
            text = (ROOT / "experiments" / path.name).read_text()
            for pattern, cut in REHEARSAL:
                text = re.sub(pattern, cut, text, flags=re.MULTILINE)
            path.write_text(text)
    return folder


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--collect", action="store_true")
    what.add_argument("--take-over", action="store_true")
    what.add_argument("--tables", action="store_true")
    parser.add_argument("--rehearse", metavar="DIR")
    parser.add_argument("--sftbench", default=str(ROOT / "build" / "sftbench"))
    args = parser.parse_args()
    names = []
    for name in args.names or FORGETTING:
        if name not in [*NAMES, "applications"]:
            parser.error(f"{name}: wanted one of {', '.join(NAMES)}, or "
                         f"applications")
        names += APPLICATIONS if name == "applications" else [name]
    program = pathlib.Path(args.sftbench).resolve()
    if not program.exists():
        fail(f"{program} is not there: ./setup.sh builds it")
    root = rehearsal_below(args.rehearse) if args.rehearse else ROOT
    experiments = Experiments(program, root)
    if args.tables:
        for name in names:
            experiments.tables(name)
        return
    if args.collect:
        for name in names:
            experiments.collect(name)
        return
    if args.take_over:
        if not experiments.merged("learning_rate").exists():
            fail("learning_rate has no merged record yet")
        experiments.take_over()
        return
    if not args.rehearse:
        check_tree(program)
    for name in names:
        if experiments.merged(name).exists():
            print(f"{name}: is in {experiments.merged(name)}")
            continue
        if name in FORGETTING[1:]:
            if not experiments.merged("learning_rate").exists():
                fail(f"{name} takes its rates from learning_rate, which has "
                     f"no merged record yet")
            experiments.take_over()
        ids = experiments.planned(name)
        experiments.bring(name, ids)
        status = experiments.sweep(name)
        if not experiments.finish(name, ids, bool(args.rehearse)):
            experiments.collect(name)
            sys.exit(status or 1)


if __name__ == "__main__":
    main()
