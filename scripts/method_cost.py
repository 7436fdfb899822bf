#!/usr/bin/env python3
"""What a step of each update method costs beside full fine-tuning's.

  scripts/method_cost.py --bench build/sftbench_bench [--filter 'lora|hft']
      [--json OUT | --from OUT]

Full fine-tuning and the method take a step in turns, in one process on one
thread (tests/bench/method_cost_bench.cc): SmolLM2-135M, a pack of 512 tokens,
bf16, AdamW, clipped. Six minutes for all on a quiet machine. Two tables,
tab-separated:

  cost   FLOPs of a step over full's by formula (predicted), processor time over
         full's (measured), and the difference, which is the sum of four items:
         what forward and backward pass take beyond their FLOPs' share (in
         full's step), the method's own work on gradients, and norm, clipping
         and what moves the weights, of which the formula knows nothing. full
         itself has items: they add up to 0.
  state  what optimizer and method hold beside the model, MiB by formula and as
         allocated; seconds of attaching; and of what is read once a round, rows
         of 64 tokens.

Exit status 1: a state is more than 2 % from its formula.
"""
import argparse
import json
import subprocess
import sys

PREFIX = "BM_MethodCost/"
STATE_TOLERANCE = 0.02
MIB = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bench", help="the program sftbench_bench")
    source.add_argument("--from", dest="earlier", help="what --json kept")
    parser.add_argument("--filter", default="",
                        help="methods, as alternatives: 'lora|hft'")
    parser.add_argument("--json", help="where to keep the figures")
    return parser.parse_args()


def measure(args):
    if args.earlier:
        with open(args.earlier) as file:
            return json.load(file)["benchmarks"]
    regex = f"^{PREFIX}({args.filter})/" if args.filter else f"^{PREFIX}"
    done = subprocess.run([args.bench, f"--benchmark_filter={regex}",
                           "--benchmark_format=json"],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {args.bench}: exit status {done.returncode}")
    if args.json:
        with open(args.json, "w") as file:
            file.write(done.stdout)
    return json.loads(done.stdout)["benchmarks"]


def show(rows):
    for row in rows:
        print("\t".join(row))


def main():
    args = arguments()
    cases = measure(args)
    broken = [c for c in cases if c.get("error_occurred")]
    for case in broken:
        print(f"error: {case['name']}: {case['error_message']}",
              file=sys.stderr)
    cases = [c for c in cases if not c.get("error_occurred")]
    if not cases:
        sys.exit("error: no benchmark ran")

    costs = [["method", "predicted", "measured", "difference", "forward",
              "backward", "own work", "moving", "full's step s"]]
    states = [["method", "state MiB predicted", "state MiB measured",
               "attaching s", "reading s"]]
    far = []
    for case in cases:
        name = case["name"][len(PREFIX):].split("/")[0]
        full_s = sum(case[f"full_{part}_s"] for part in
                     ("forward", "backward", "method", "moving"))
        full_flops = case["full_forward_flops"] + case["full_backward_flops"]
        items = [
            case["forward_s"] / full_s - case["forward_flops"] / full_flops,
            case["backward_s"] / full_s - case["backward_flops"] / full_flops,
            case["method_s"] / full_s, case["moving_s"] / full_s]
        predicted = ((case["forward_flops"] + case["backward_flops"]) /
                     full_flops)
        costs.append([name, f"{predicted:.3f}", f"{predicted + sum(items):.3f}",
                      f"{sum(items):+.3f}", *[f"{x:+.3f}" for x in items],
                      f"{full_s:.3f}"])
        wanted, held = case["predicted_state_bytes"], case["state_bytes"]
        if abs(held - wanted) > STATE_TOLERANCE * wanted:
            far.append(name)
        states.append([name, f"{wanted / MIB:.1f}", f"{held / MIB:.1f}",
                       f"{case['begin_s']:.2f}",
                       f"{case['calibration_s']:.1f}"])
    show(costs)
    print()
    show(states)
    if far:
        print(f"more than {STATE_TOLERANCE:.0%} from the formula: "
              f"{', '.join(far)}", file=sys.stderr)
    sys.exit(1 if far or broken else 0)


if __name__ == "__main__":
    main()
