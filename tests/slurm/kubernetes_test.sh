#!/usr/bin/env bash
# kubernetes_test.sh: README.md's indexed Job under Kubernetes' own schema (that
# of PyPI's kubernetes-validate, which takes it from the API's description), in
# its strict form: a key that is not there is an error. No cluster runs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/common.sh
source "$here/common.sh"
validate=$here/../../.venv/bin/kubernetes-validate
[[ -x $validate ]] ||
  skip kubernetes_job tools "no kubernetes-validate (./setup.sh --cluster)"

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
sed -n '/^apiVersion: batch\/v1$/,/^```$/p' "$here/../../README.md" |
  grep -v '^```' >"$top/job.yaml"
grep '^kind: Job$' "$top/job.yaml" >/dev/null || fail "README.md has no Job"
# The first release that README.md names, and the newest one known here.
for release in 1.29 1.37; do
  "$validate" --strict -k "$release" "$top/job.yaml" ||
    fail "the Job is none of Kubernetes $release"
done
# The schema is asked, and it can say no.
for slip in 's/onExitCodes/onExitCode/' 's/completions: 25/completions: many/' \
  's/claimName/claim/'; do
  sed "$slip" "$top/job.yaml" >"$top/slip.yaml"
  "$validate" --strict -k 1.29 "$top/slip.yaml" >/dev/null 2>&1 &&
    fail "a slip passes: $slip"
done
# What it executes is a task as it was printed, with this program's exit status.
grep 'command: \[build/sftbench, task, MANIFEST\]' "$top/job.yaml" >/dev/null ||
  fail "the Job executes no task"
echo "kubernetes_test: good"
