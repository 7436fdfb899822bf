#!/usr/bin/env python3
"""Content digests of the small specs' runs, one line a run.

  scripts/content_digests.py --sftbench build/sftbench [--out DIR]

Runs experiments/smoke.yaml and tests/specs/*.yaml and prints spec, run id,
axes and content_sha256, tab-separated: equal lines before and after a change
mean equal results to the bit, on one machine. Exit status 1: a run failed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import h5py

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sftbench", required=True)
    parser.add_argument("--out", help="keep the records here")
    args = parser.parse_args()
    out = pathlib.Path(args.out or tempfile.mkdtemp()).resolve()
    program = pathlib.Path(args.sftbench).resolve()
    good = True
    specs = [ROOT / "experiments" / "smoke.yaml",
             *sorted((ROOT / "tests" / "specs").glob("*.yaml"))]
    for spec in specs:
        folder = out / spec.stem
        done = subprocess.run(
            [program, "run", spec, "--out", folder, "--keep-weights", "none"],
            cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            good = False
            print(f"{spec.name}: exit status {done.returncode}\n{done.stderr}",
                  file=sys.stderr)
        for path in sorted(folder.glob("runs/*.h5")):
            with h5py.File(path) as record:
                axes = " ".join(f"{k}={v}" for k, v in
                                sorted(record["axes"].attrs.items()))
                print(spec.stem, record.attrs["run_id"], axes,
                      record.attrs["content_sha256"], sep="\t")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
