#!/usr/bin/env bash
# The main job, small: installs and builds, trains a few models by several
# methods, prints the table that compares them, and writes the page beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
./setup.sh
build/sftbench run experiments/demo.yaml --out results/demo
build/sftbench report results/demo
build/sftbench report results/demo --format html >results/demo/report.html
echo "the same as a page, with pictures: $PWD/results/demo/report.html"
