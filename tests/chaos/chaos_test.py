#!/usr/bin/env python3
"""Sweeps of the tiny model under kill -9: nothing lost, doubled or corrupt.

  tests/chaos/chaos_test.py SFTBENCH [--kills 200] [--seed 0] [--keep]

Kills the launcher, a worker or all of them at moments drawn from the seed and
from what they are at, and types the same command again, sweep after sweep
(--jobs 2). Whoever is to be killed is stopped first, so that where the kill
fell is known; where the system kills is a matter of chance, so that a seed
repeats the draws, not the moments. Each sweep must end as an undisturbed one:
the same records by content digest, the same weights, manifest and merged file,
and no file besides. Exit status 77: model or h5py is missing here.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

try:
    import h5py
except ImportError:
    h5py = None

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPEC = """\
question: is a killed sweep the same sweep?
model: glassllm
train: [bbc_headlines]
evaluate: {tasks: [bbc_headlines], retain: [wiki_demo]}
budget: {steps: 6}
set: {batch_size: 2, max_length: 64, test_limit: 12, validation_limit: 6,
      heldout_tokens: 256, heldout_window: 64, threads: 1,
      learning_rate: 1.0e-3}
grid: {method: [full, lora], batching: [padded, packed], seed: [0]}
baseline: {method: full}
"""
# What a process may be at, and how long after the kill may come, in seconds.
# The launcher "plans" before its first worker and "watches" behind its last.
PHASES = {"plan": 0.6, "start": 0.2, "load": 0.3, "evaluate": 0.2,
          "train": 0.2, "checkpoint": 0.004, "save": 0.004, "publish": 0.003,
          "watch": 0.02, "merge": 0.02}
VICTIMS = ["launcher", "worker", "all"]
WAIT = 6  # for somebody who is at what was drawn; then it falls anywhere
SECONDS = 600  # until a sweep that nobody kills must have ended


def read(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        return b""


def names_in(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def children_of(pid):
    return [int(word) for word in
            read(f"/proc/{pid}/task/{pid}/children").split()]


def began_at(pid):
    """By the wall clock, to 10 ms."""
    ticks = int(read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[19])
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def stop(pid):
    """Until it stands: what it has on the disk then is where it was killed."""
    send(pid, signal.SIGSTOP)
    for _ in range(2000):
        state = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        if not state or state[0] in b"TtZX":
            return
        time.sleep(0.0005)


class Sweep:
    """A folder and the command that fills it, as often as it is killed."""

    def __init__(self, program, spec, out):
        self.out = out
        self.words = [program, "run", spec, "--out", out, "--jobs", "2",
                      "--checkpoint-every", "0s", "--keep-weights", "all",
                      "--max-attempts", "1000"]
        self.launcher = None
        self.error = tempfile.TemporaryFile()

    def start(self):
        self.launcher = subprocess.Popen(
            self.words, stdout=self.error, stderr=self.error)
        self.had_worker = False

    def ended(self):
        return self.launcher.poll() is not None

    def end(self):
        if self.launcher is not None and not self.ended():
            self.launcher.kill()
            self.launcher.wait()

    def said(self):
        self.error.seek(0)
        return self.error.read().decode(errors="replace")[-4000:]

    def run_id(self, worker):
        found = re.search(rb"--run-id=(\w+)", read(f"/proc/{worker}/cmdline"))
        return found.group(1).decode() if found else None

    def phase_of(self, worker):
        run = self.run_id(worker)
        if run is None:
            return None
        mark = f".{worker}."
        work = self.out / "work" / run
        if any(name.startswith(run) and mark in name + "."
               for name in names_in(self.out / "runs")):
            return "publish"
        if any(mark in name for name in names_in(self.out / "weights" / run)):
            return "save"
        for name in names_in(work):
            if f"-{worker}-" in name and any(
                    part != "checkpoint" for part in names_in(work / name)):
                return "checkpoint"
        said = read(work / "progress").split(b"\n")
        if len(said) < 2 or int(said[0]) / 1000 < began_at(worker):
            return "start"  # what stands there is another one's
        return said[1].split(b"\t")[0].decode()

    def who_is_at(self, phase):
        """The launcher's or a worker's id, None where nobody is at it."""
        workers = children_of(self.launcher.pid)
        self.had_worker = self.had_worker or bool(workers)
        if not workers:
            where = "watch" if self.had_worker else "plan"
            return self.launcher.pid if phase == where else None
        for worker in workers:
            try:
                if self.phase_of(worker) == phase:
                    return worker
            except (OSError, IndexError):
                continue  # it ended
        return None

    def kill(self, victim, at):
        """Kills; the phase it fell into, None where all ended before."""
        workers = children_of(self.launcher.pid)
        doomed = {"launcher": [self.launcher.pid],
                  "worker": [at if at in workers else (workers or [None])[0]],
                  "all": [self.launcher.pid, *workers]}[victim]
        if doomed == [None]:
            return None
        for pid in doomed:
            stop(pid)
        if self.ended():
            return None
        fell = None
        try:
            seen = workers if victim == "launcher" else doomed
            mine = at if at in seen else None
            mine = mine or next((w for w in workers if w in seen), None)
            if mine:
                fell = self.phase_of(mine)
        except (OSError, IndexError):
            pass
        if fell is None and victim != "worker":
            fell = "watch" if self.had_worker else "plan"
        for pid in doomed:
            send(pid, signal.SIGKILL)
        if victim != "worker":
            self.launcher.wait()
        return fell


class Failed(Exception):
    pass


def must(condition, what):
    if not condition:
        raise Failed(what)


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    must(done.returncode == 0,
         f"{words[1:]}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file()}


def digests_of(runs):
    out = {}
    for path in runs.glob("*.h5"):
        if ".attempt" in path.name:
            continue
        with h5py.File(path) as record:
            out[record.attrs["run_id"]] = record.attrs["content_sha256"]
    return out


def check(program, out, calm, worker_kills):
    """The folder is the undisturbed one's, but for attempts and the logs."""
    attempts = {name for name in names_in(out / "runs") if ".attempt" in name}
    must(len(attempts) <= worker_kills,
         f"{len(attempts)} attempts of {worker_kills} killed workers")
    here = files_below(out) - {f"runs/{name}" for name in attempts}
    wanted = files_below(calm)
    must(here == wanted, f"lost: {sorted(wanted - here)}, "
                         f"too many: {sorted(here - wanted)}")
    for name in sorted(wanted):
        if name.startswith(("weights/", "manifests/")):
            must(read(out / name) == read(calm / name), f"{name} is another")
    must(digests_of(out / "runs") == digests_of(calm / "runs"),
         "digests differ")
    run([program, "verify", out])
    run([program, "status", out])


def merge_and_kill(program, sweep, rng, tally, kills):
    """merge-records, killed some times: the file is there whole, or not."""
    merged = sweep.out.with_suffix(".merged.h5")
    words = [program, "merge-records", sweep.out, merged]
    run(words)
    whole = read(merged)
    merged.unlink()
    done = 0
    while done < kills:
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        while process.poll() is None and not any(
                name.startswith(merged.name) for name in
                names_in(merged.parent)):
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, PHASES["merge"]))
        stop(process.pid)
        if process.poll() is None:
            began = any(name != merged.name and name.startswith(merged.name)
                        for name in names_in(merged.parent))
            process.kill()
            tally["merge, the file begun" if began else "merge"] += 1
            done += 1
        process.wait()
        must(read(merged) in (b"", whole), "a merged file is not whole")
        merged.unlink(missing_ok=True)
    run(words)
    must(read(merged) == whole, "another merged file")
    left = [n for n in names_in(merged.parent) if n.startswith(merged.name)]
    must(left == [merged.name], f"left beside the merged file: {left}")
    merged.unlink()


def disturb(sweep, rng, tally, kills):
    """One sweep to its end; how many kills it took, and of workers alone."""
    done = workers = 0
    sweep.start()
    while done < kills and not sweep.ended():
        # A launcher plans before its first worker; it watches alone but once.
        phase = rng.choice([
            name for name in PHASES if name != "merge"
            and (name != "plan" or not sweep.had_worker)
            and (name != "watch" or done > kills // 2)])
        victim = rng.choice(VICTIMS if phase not in ("plan", "watch")
                            else ["launcher"])
        end = time.monotonic() + WAIT
        at = None
        while at is None and not sweep.ended() and time.monotonic() < end:
            at = sweep.who_is_at(phase)
            if at is None:
                time.sleep(0.001)
        if not sweep.ended():
            time.sleep(rng.uniform(0, PHASES[phase]))
        if sweep.ended():
            break
        fell = sweep.kill(victim, at)
        if fell is None:
            continue
        done += 1
        workers += victim == "worker"
        tally[f"{fell} ({victim})"] += 1
        if victim != "worker":
            sweep.start()
    sweep.launcher.wait(timeout=SECONDS)
    must(sweep.launcher.returncode == 0,
         f"exit status {sweep.launcher.returncode}\n{sweep.said()}")
    return done, workers


def skip(need, why):
    line = f"skipped: chaos: {why}"
    print(line)
    if "SFT_SKIPS_FILE" in os.environ:
        pathlib.Path(os.environ["SFT_SKIPS_FILE"]).write_text(line + "\n")
    required = os.environ.get("SFT_TESTS_REQUIRE", "").split(",")
    sys.exit(1 if need in required else 77)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sftbench")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true",
                        help="leave the folder; one that failed stays anyway")
    args = parser.parse_args()
    assets = pathlib.Path(os.environ.get("SFTBENCH_ASSETS", ROOT / "assets"))
    if h5py is None:
        skip("tools", "no h5py (./setup.sh installs it into .venv)")
    if not (assets / "models/glassllm/config.json").is_file():
        skip("assets", "no assets (./setup.sh fetches them)")
    rng = random.Random(args.seed)
    top = pathlib.Path(tempfile.mkdtemp(prefix="chaos_"))
    # A build in the meantime must not disturb it.
    program = shutil.copy(args.sftbench, top / "sftbench")
    spec = top / "spec.yaml"
    spec.write_text(SPEC)
    tally = collections.Counter()
    began = time.monotonic()
    sweeps = 0
    calm = sweep = Sweep(program, spec, top / "calm")
    try:
        calm.start()
        calm.launcher.wait(timeout=SECONDS)
        must(calm.launcher.returncode == 0, calm.said())
        while sum(tally.values()) < args.kills:
            left = args.kills - sum(tally.values())
            sweep = Sweep(program, spec, top / f"sweep{sweeps}")
            # The merge has its share of the kills.
            most = rng.randint(8, 24)
            _, workers = disturb(sweep, rng, tally,
                                 max(1, min(most, left - left // 10)))
            check(program, sweep.out, calm.out, workers)
            left = args.kills - sum(tally.values())
            merge_and_kill(program, sweep, rng, tally, min(2, left))
            sweeps += 1
            if not args.keep:
                shutil.rmtree(sweep.out)
    except (Failed, subprocess.TimeoutExpired) as failure:
        print(f"FAILED after {sum(tally.values())} kills, seed {args.seed}, "
              f"sweep {sweeps}: {failure}\nsee {top}")
        sys.exit(1)
    finally:
        sweep.end()
        by_phase = collections.Counter()
        for where, count in sorted(tally.items()):
            by_phase[where.split(" (")[0]] += count
        print(f"{sum(tally.values())} kills in {sweeps} sweeps, "
              f"{time.monotonic() - began:.0f} s; they fell into")
        for where, count in sorted(tally.items()):
            print(f"  {count:4d}  {where}")
        print("by phase: " + ", ".join(
            f"{name} {count}" for name, count in by_phase.most_common()))
    if not args.keep:
        shutil.rmtree(top)
    print("chaos: nothing lost, doubled or corrupt")


if __name__ == "__main__":
    main()
