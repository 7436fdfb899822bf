#!/usr/bin/env bash
# The main job, small: installs and builds, trains a few models by several
# methods, and prints the table that compares them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
./setup.sh
build/sftbench run experiments/demo.yaml --out results/demo
build/sftbench report results/demo
