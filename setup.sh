#!/usr/bin/env bash
# Installs what sftbench needs and builds it. Safe to run again: every step
# looks first and does only what is missing.
#
#   ./setup.sh               packages, .venv, assets, build/sftbench
#   ./setup.sh --no-build    everything but the build
#   ./setup.sh --no-assets   no models and data sets
#   ./setup.sh --cuda        also the wheels that libtorch_cuda links against
#   ./setup.sh --cluster     also what the tests under batch systems want
#   ./setup.sh --tests       also what tests of the page, of tables and events
#                            want: a browser, TeX, TensorBoard's reader
#   ./setup.sh --fuzz        also the compiler of the fuzzers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build=1
assets=1
cuda=0
cluster=0
tests=0
fuzz=0
for arg in "$@"; do
  case "$arg" in
    --no-build) build=0 ;;
    --no-assets) assets=0 ;;
    --cuda) cuda=1 ;;
    --cluster) cluster=1 ;;
    --tests) tests=1 ;;
    --fuzz) fuzz=1 ;;
    -h|--help) sed -n '2,12p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) echo "setup.sh: unknown argument '$arg'" >&2; exit 2 ;;
  esac
done

say() { printf 'setup: %s\n' "$*"; }

# Runs a command, and shows what it printed only if it failed.
quietly() {
  local log
  log="$(mktemp)"
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "setup: failed: $*" >&2
    return 1
  fi
  rm -f "$log"
}

# --- Debian packages ---------------------------------------------------------
apt_packages=(
  build-essential cmake ninja-build ccache pkg-config unzip git
  python3 python3-venv clang-format
  libabsl-dev libhdf5-dev hdf5-tools libicu-dev libpcre2-dev zlib1g-dev
  libzstd-dev libsnappy-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev
  libboost-dev libcli11-dev catch2 libbenchmark-dev
)
if ((cluster)); then
  apt_packages+=(slurm-wlm munge parallel shellcheck)
fi
if ((tests)); then
  apt_packages+=(chromium shellcheck texlive-latex-recommended
    texlive-latex-extra texlive-science texlive-fonts-recommended latexmk)
fi
if ((fuzz)); then
  apt_packages+=(clang-14 libclang-rt-14-dev)
fi
missing=()
for p in "${apt_packages[@]}"; do
  state="$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)"
  [[ "$state" == installed ]] || missing+=("$p")
done
if ((${#missing[@]})); then
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  sudo=()
  ((EUID == 0)) || sudo=(sudo)
  quietly "${sudo[@]}" apt-get update
  quietly "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
else
  say "Debian packages: present"
fi

# --- Python: LibTorch's home, and the scripts' interpreter ---------------------
# By name, version and hash of every wheel: scripts/pin_hashes.py.
requirements=(scripts/requirements/base.txt)
if ((cluster)); then requirements+=(scripts/requirements/cluster.txt); fi
if ((cuda)); then requirements+=(scripts/requirements/cuda.txt); fi
if ((tests)); then requirements+=(scripts/requirements/tests.txt); fi
if [[ ! -x .venv/bin/pip ]]; then
  python=""
  for p in /usr/bin/python3 python3; do
    if "$p" -c 'import ensurepip, venv' 2>/dev/null; then python="$p"; break; fi
  done
  [[ -n "$python" ]] || { echo "setup: no python3 with venv" >&2; exit 1; }
  say "creating .venv with $("$python" --version)"
  rm -rf .venv
  quietly "$python" -m venv .venv
fi
frozen="$(.venv/bin/pip list --format=freeze --disable-pip-version-check)"
wanted=()
for p in $(grep -ohE '^[A-Za-z0-9._-]+==[^ \\]+' "${requirements[@]}"); do
  grep -qixF "${p//_/-}" <<<"${frozen//_/-}" || wanted+=("$p")
done
if ((${#wanted[@]})); then
  say "installing into .venv: ${wanted[*]}"
  quietly .venv/bin/pip install --disable-pip-version-check --no-deps \
    --require-hashes "${requirements[@]/#/--requirement=}"
else
  say "Python packages: present"
fi

# --- Models and data sets ------------------------------------------------------
if ((assets)); then
  .venv/bin/python scripts/fetch_assets.py
fi

# --- Build -----------------------------------------------------------------------
if ((build)); then
  say "building build/sftbench"
  quietly cmake --preset cpu-release
  cmake --build build --target sftbench
fi
