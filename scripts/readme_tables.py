#!/usr/bin/env python3
"""Renews the tables of README.md out of results/reference.

  scripts/readme_tables.py            writes them
  scripts/readme_tables.py --check    names those that are not what is printed

A table stands between <!-- table: NAME --> and <!-- /table -->. It is the main
one that `sftbench report` prints of the records of NAME, or of NAME_seeds where
these are there; only the line about columns that it leaves out is not kept.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "results" / "reference"
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- /table -->)", re.S)


def table_of(program, name):
    store = REFERENCE / f"{name}_seeds.h5"
    if not store.exists():
        store = REFERENCE / f"{name}.h5"
    done = subprocess.run(
        [program, "report", store, "--table", "main", "--format", "md"],
        text=True, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    parts = [part for part in done.stdout.strip().split("\n\n")
             if not part.startswith("Left out: ")]
    table, notes = parts[0], " ".join(parts[1:])
    if not table.startswith("|"):  # the question stands above it
        table, notes = parts[1], " ".join(parts[2:])
    return f"{table}\n\n{notes}\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--sftbench", default=str(ROOT / "build" / "sftbench"))
    args = parser.parse_args()
    path = ROOT / "README.md"
    text = path.read_text("utf-8")
    names = []

    def renewed(match):
        names.append(match[2])
        return match[1] + table_of(args.sftbench, match[2]) + match[3]

    new = PLACE.sub(renewed, text)
    if not names:
        sys.exit(f"{path}: has no place for a table")
    if new == text:
        print(f"{len(names)} tables are what the program prints")
        return
    if args.check:
        pairs = zip(PLACE.finditer(text), PLACE.finditer(new))
        others = [one[2] for one, other in pairs if one[0] != other[0]]
        sys.exit(f"{path}: not what the program prints: {', '.join(others)}; "
                 f"scripts/readme_tables.py writes them anew")
    path.write_text(new, "utf-8")
    print(f"{path}: {len(names)} tables")


if __name__ == "__main__":
    main()
