#!/usr/bin/env python3
"""Renews the hashes of requirement files.

    pin_hashes.py scripts/requirements/*.txt

Asks pip which wheels it would take for each name==version on x86-64 Linux,
under every Python that setup.sh may meet, and writes their SHA-256 behind it,
so that `pip install --require-hashes` takes these files and no others. Comments
and the order of the lines stay. To move a version: write the new one, run this.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PYTHONS = ("3.11", "3.12", "3.13")
PIN = re.compile(r"^([A-Za-z0-9._-]+==[^\s\\]+)")


def wheels(pins, python):
    """name==version -> SHA-256; what has no wheel for this Python is absent."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps",
             "--ignore-installed", "--only-binary=:all:", "--quiet",
             "--disable-pip-version-check", "--python-version", python,
             "--target", folder, "--report", str(report), *pins],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"Python {python}: {done.stderr.strip().splitlines()[-1]}",
                  file=sys.stderr)
            return {}
        found = {}
        for item in json.loads(report.read_text())["install"]:
            name = plain(item["metadata"]["name"])
            found[name] = item["download_info"]["archive_info"]["hashes"]["sha256"]
        return found


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    flags = parser.parse_args()
    for path in flags.files:
        lines = [line for line in path.read_text().splitlines()
                 if not line.strip().startswith("--hash")]
        pins = [PIN.match(line)[1] for line in lines if PIN.match(line)]
        hashes = {}
        for python in PYTHONS:
            for name, value in wheels(pins, python).items():
                hashes.setdefault(name, set()).add(value)
        out = []
        for line in lines:
            pin = PIN.match(line)
            if not pin:
                out.append(line)
                continue
            known = sorted(hashes.get(plain(pin[1].split("==")[0]), ()))
            if not known:
                sys.exit(f"{path}: no wheel of {pin[1]}")
            out.append(pin[1] + " \\")
            out += [f"    --hash=sha256:{value}" +
                    (" \\" if value != known[-1] else "") for value in known]
        path.write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
