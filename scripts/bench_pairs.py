#!/usr/bin/env python3
"""Two builds' sftbench_bench beside each other, interleaved.

    scripts/bench_pairs.py OLD NEW [--rounds 5] [--series 2] [--filter REGEX]
                           [--min-time 0.1] [--tsv FILE]

Every benchmark that both programs have is run by each in turn, ROUNDS times a
series, the order swapped from round to round; a benchmark's time is its least
real time. Prints a line a benchmark with the ratio new/old of each series, then
each series' median and worst. Exit 1 where a benchmark is more than 8 % slower
in every series, or a median ratio is above 1.03.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys


def names(program):
    out = subprocess.run([program, "--benchmark_list_tests"], check=True,
                         capture_output=True, text=True)
    return out.stdout.split()


def real_time(program, name, min_time):
    """Nanoseconds of one iteration; raises where the benchmark says an error."""
    out = subprocess.run(
        [program, "--benchmark_filter=^" + re.escape(name) + "$",
         "--benchmark_format=json", f"--benchmark_min_time={min_time}"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    runs = json.loads(out.stdout[out.stdout.index("{"):])["benchmarks"]
    if not runs or runs[0].get("error_occurred"):
        return None
    units = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
    return runs[0]["real_time"] * units[runs[0]["time_unit"]]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--series", type=int, default=2)
    parser.add_argument("--filter", default=".")
    parser.add_argument("--min-time", type=float, default=0.1)
    parser.add_argument("--tsv")
    args = parser.parse_args()

    before = set(names(args.old))
    both = [n for n in names(args.new)
            if n in before and re.search(args.filter, n)]
    times = {}   # (name, series) -> ([old...], [new...])
    for series in range(args.series):
        for name in both:
            pair = times[name, series] = ([], [])
            for turn in range(args.rounds):
                order = (0, 1) if turn % 2 == 0 else (1, 0)
                for which in order:
                    took = real_time((args.old, args.new)[which], name,
                                     args.min_time)
                    if took is not None:
                        pair[which].append(took)

    print("benchmark\told_ns\tnew_ns\t" + "\t".join(
        f"ratio_{s + 1}" for s in range(args.series)))
    ratios = {}
    lines = []
    for name in both:
        pairs = [times[name, s] for s in range(args.series)]
        if any(not old or not new for old, new in pairs):
            lines.append(f"{name}\tskipped")
            continue
        ratios[name] = [min(new) / min(old) for old, new in pairs]
        lines.append("\t".join(
            [name, f"{min(min(p[0]) for p in pairs):.0f}",
             f"{min(min(p[1]) for p in pairs):.0f}"]
            + [f"{r:.3f}" for r in ratios[name]]))
    print("\n".join(lines))
    if args.tsv:
        with open(args.tsv, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    failed = False
    for series in range(args.series):
        of = {n: r[series] for n, r in ratios.items()}
        median = statistics.median(of.values())
        worst = max(of, key=of.get)
        print(f"series {series + 1}: {len(of)} benchmarks, median {median:.3f},"
              f" worst {of[worst]:.3f} ({worst})")
        failed |= median > 1.03
    slower = [n for n, r in ratios.items() if min(r) > 1.08]
    for name in slower:
        print(f"slower in every series: {name}")
    return 1 if failed or slower else 0


if __name__ == "__main__":
    sys.exit(main())
