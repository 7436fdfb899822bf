#!/usr/bin/env python3
"""The benchmarks against an earlier run of them, as ratios.

    bench_table.py --bench build/sftbench_bench [--filter REGEX]
        [--against results/reference/bench.json] [--json OUT] [--hdf5 OUT]

Runs the benchmarks (or, with --from FILE, reads what --json kept) and prints,
tab-separated, each case's processor time beside the earlier run's. Two machines
differ as a whole: `relative` is the case's ratio over the median ratio of all
cases, and a case that is slower than 1.15 there is named. Exit code 1 where one
is, or where a benchmark's check of its result failed. --hdf5 keeps the figures
with the names of the processor and, where there is one, the GPU. Needs h5py.
"""

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys

SLOWER = 1.15
PLAIN = {"name", "family_index", "per_family_instance_index", "run_name",
         "run_type", "repetitions", "repetition_index", "threads", "iterations",
         "real_time", "cpu_time", "time_unit", "label"}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bench", help="the program sftbench_bench")
    source.add_argument("--from", dest="earlier", help="what --json kept")
    parser.add_argument("--filter", default=".", help="regex of case names")
    parser.add_argument("--against", help="an earlier --json")
    parser.add_argument("--json", help="where to keep the figures")
    parser.add_argument("--hdf5", help="the same as HDF5, for analysis")
    return parser.parse_args()


def read(path):
    with open(path) as file:
        return json.load(file)


def measure(bench, regex):
    done = subprocess.run(
        [bench, f"--benchmark_filter={regex}", "--benchmark_format=json"],
        stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: {bench}: exit code {done.returncode}")
    return json.loads(done.stdout)


def device_names():
    names = {"processor": platform.processor() or platform.machine()}
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                names["processor"] = line.split(":", 1)[1].strip()
                break
    if shutil.which("nvidia-smi"):
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            stdout=subprocess.PIPE, text=True)
        if done.returncode == 0 and done.stdout.strip():
            names["gpu"] = done.stdout.strip().splitlines()[0]
    return names


def keep_hdf5(path, cases, names):
    import h5py
    with h5py.File(path, "w") as file:
        file.attrs.update(names)
        for name, case in cases.items():
            group = file.create_group(name.replace("/", "-"))
            group.attrs["time_unit"] = case["time_unit"]
            group["cpu_time"], group["real_time"] = (case["cpu_time"],
                                                     case["real_time"])
            for counter in sorted(case.keys() - PLAIN):
                if isinstance(case[counter], (int, float)):
                    group[counter] = case[counter]


def main():
    args = arguments()
    figures = (read(args.earlier) if args.earlier
               else measure(args.bench, args.filter))
    figures["context"].pop("executable", None)
    figures["context"].pop("host_name", None)
    failed = [f"{case['name']}: {case['error_message']}"
              for case in figures["benchmarks"] if case.get("error_occurred")]
    cases = {case["name"]: case for case in figures["benchmarks"]
             if not case.get("error_occurred")}
    if args.json:
        with open(args.json, "w") as file:
            json.dump(figures, file, indent=1)
            file.write("\n")
    if args.hdf5:
        keep_hdf5(args.hdf5, cases, device_names())
    before = {}
    if args.against:
        before = {case["name"]: case for case in
                  read(args.against)["benchmarks"]
                  if not case.get("error_occurred")}
    ratios = {name: case["cpu_time"] / before[name]["cpu_time"]
              for name, case in cases.items() if name in before}
    middle = statistics.median(ratios.values()) if ratios else 1.0
    slower = []
    print("case", "cpu time", "unit", "before", "ratio", "relative", sep="\t")
    for name, case in cases.items():
        row = [name, f"{case['cpu_time']:.4g}", case["time_unit"]]
        if name in ratios:
            relative = ratios[name] / middle
            row += [f"{before[name]['cpu_time']:.4g}", f"{ratios[name]:.3f}",
                    f"{relative:.3f}"]
            if relative > SLOWER:
                slower.append(f"{name}: {relative:.2f} times its share")
        print(*row, sep="\t")
    for line in failed + slower:
        print(f"error: {line}", file=sys.stderr)
    sys.exit(1 if failed or slower else 0)


if __name__ == "__main__":
    main()
