#!/usr/bin/env bash
# Runs tests under the compiler's sanitizers.
#
#   scripts/sanitize.sh address [CTEST ARGS...]   the whole suite, addresses and
#                                                 undefined behaviour
#   scripts/sanitize.sh thread                    what starts threads of its own:
#                                                 core, data, text, launch
#   scripts/sanitize.sh plain [CTEST ARGS...]     addresses and undefined
#                                                 behaviour in what links no
#                                                 LibTorch; in the fuzzers'
#                                                 build folder (clang)
#
# Either stops a test at its first finding. See tests/suppressions/ for what is
# not looked at, and why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind="${1:?usage: scripts/sanitize.sh address|thread|plain [CTEST ARGS...]}"
shift
suppressions="$PWD/tests/suppressions"
# A child that allocates too much is refused, as without a sanitizer.
export ASAN_OPTIONS="allocator_may_return_null=1:detect_leaks=0:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
case "$kind" in
  address)
    cmake --preset asan >/dev/null
    cmake --build build-asan
    cd build-asan
    exec ctest --output-on-failure --no-tests=error -j "$(nproc)" "$@"
    ;;
  thread)
    cmake --preset tsan >/dev/null
    tests=(core data text launch)
    cmake --build build-tsan --target "${tests[@]/#/test_}"
    cd build-tsan
    export TSAN_OPTIONS="suppressions=$suppressions/thread.txt:halt_on_error=1"
    exec ctest --output-on-failure --no-tests=error "$@" \
      -R "^($(IFS='|'; echo "${tests[*]}"))(\\.slow)?\$"
    ;;
  plain)
    cmake --preset fuzz >/dev/null
    tests=(architecture metrics search analysis)
    cmake --build build-fuzz --target "${tests[@]/#/test_}"
    cd build-fuzz
    exec ctest --output-on-failure --no-tests=error -j "$(nproc)" "$@" \
      -R "^($(IFS='|'; echo "${tests[*]}"))(\\.slow)?\$"
    ;;
  *)
    echo "sanitize.sh: unknown sanitizer '$kind': address, thread or plain" >&2
    exit 2
    ;;
esac
