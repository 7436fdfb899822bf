#!/usr/bin/env bash
# Builds everything and runs every test; a second run rebuilds nothing.
#
#   ./test.sh              all tests, but for the next ones
#   ./test.sh --cluster    sweeps under Slurm (root), GNU parallel: minutes
#   ./test.sh --fast       without the ones tagged [slow]
#   ./test.sh -- ARGS      ARGS go to ctest, e.g. -R train
#
# Ends with the cases that were skipped. SFT_TESTS_REQUIRE=assets,data (also gpu,
# sets, tools, machine, more_data) makes a skip for want of these a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

select=(-LE cluster)
setup=(--no-build)
while (($#)); do
  case "$1" in
    --fast) select=(-LE 'slow|cluster') ;;
    # A cluster has moods (a daemon that is slow to start): once more, then it
    # counts.
    --cluster) select=(-L cluster --repeat until-pass:2) setup+=(--cluster) ;;
    --) shift; select+=("$@"); break ;;
    -h|--help) sed -n '2,10p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) echo "test.sh: unknown argument '$1'" >&2; exit 2 ;;
  esac
  shift
done

./setup.sh "${setup[@]}"

echo "test: clang-format"
format="$(command -v clang-format-14 || command -v clang-format)"
mapfile -t sources < <(git ls-files '*.h' '*.cc' '*.cu' ':!third_party')
unformatted=()
for file in "${sources[@]}"; do
  [[ -f "$file" ]] || continue
  "$format" --dry-run -Werror "$file" 2>/dev/null || unformatted+=("$file")
done
if ((${#unformatted[@]})); then
  echo "test: not formatted; run: clang-format -i ${unformatted[*]}" >&2
  exit 1
fi

echo "test: building"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
cmake --preset cpu-release >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
cmake --build build

echo "test: running"
cd build
rm -rf skips
mkdir skips
status=0
ctest --output-on-failure --no-tests=error -j "$(nproc)" "${select[@]}" \
  || status=$?

# Each entry has left its own there (cmake/SftModule.cmake).
skips="$(cat skips/*.txt 2>/dev/null)" || true
if [[ -n "$skips" ]]; then
  printf '%s\n' "$skips"
fi
if [[ ${select[*]} == *-LE* ]]; then
  echo "test: sweeps under batch systems are left out (./test.sh --cluster)"
fi
echo "test: $(grep -c '^skipped: ' <<<"$skips" || true) cases skipped," \
  "$(grep -c '^skipped in part: ' <<<"$skips" || true) in part"
exit "$status"
