#!/usr/bin/env bash
# names_test.sh SFTBENCH: names that a shell would execute, or that lead out of
# the folder, in every place of a spec and of the command line that takes one:
# they execute nothing and nothing is written elsewhere, locally (run, lines for
# sh) and, where there is a Slurm to start, through submit.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/common.sh
source "$here/common.sh"
require_assets hostile_names

top=$(mktemp -d)
chmod 755 "$top"   # munged wants its socket's folder open to look through
slurm=$top/slurm
trap '"$here/slurm_down.sh" "$slurm"; [[ -n ${KEEP:-} ]] || rm -rf "$top"' EXIT
assets=$(realpath "${SFTBENCH_ASSETS:-$here/../../assets}")

# Whatever of it is executed leaves this behind. No word of it holds a slash, so
# that it can be a file's name.
ran=RAN
line="it's; touch $ran; \$(touch $ran) \`touch $ran\` \"; touch $ran; \" & #"
evil="$line
touch $ran
| touch $ran"
place=$top/place
mkdir -p "$place/$evil"
cp -r "$assets/models/glassllm" "$place/$evil/m $line"
ln -s "$place/$evil" "$place/in $line"
rows=$place/in\ $line/$line.csv
{
  echo "the text,\$(touch $ran)"
  for ((i = 0; i < 40; ++i)); do
    echo "row $i; touch $ran,\$(touch $ran)"
    echo "line $i \`touch $ran\`,'; touch $ran; '"
  done
} >"$rows"
# Into double quotes of YAML.
quoted() {
  local text=$1
  text=${text//\\/\\\\} text=${text//\"/\\\"} text=${text//$'\n'/\\n}
  printf '"%s"' "$text"
}
spec=$place/$evil/s\ $evil.yaml
write_hostile_spec() {
  cat >"$spec" <<SPEC
question: $(quoted "$evil")
model: $(quoted "${2:-$place/in $line/m $line}")
data:
  name: $1
  path: $(quoted "$rows")
  task: classification
  columns: {text: the text, label: $(quoted "\$(touch $ran)")}
  template: $(quoted "\$(touch $ran); {the text} '; touch $ran'")
  split: [0.6, 0.2, 0.2]
train: [$1]
evaluate: {tasks: [$1]}
budget: {steps: 2}
set: {batch_size: 4, max_length: 96, threads: 1}
grid: {method: [full], seed: [0]}
SPEC
}
# The same with a search: its scripts are told a rung, and one decides.
searched=$place/$evil/r\ $evil.yaml
write_searched_spec() {
  sed -e 's/^budget: .*/budget: {steps: 4}/' \
    -e 's/seed: \[0\]/seed: [0], learning_rate: [1.0e-3, 1.0e-4]/' \
    "$spec" >"$searched"
  cat >>"$searched" <<'SPEC'
select: {by: validation_loss, per: [method]}
search: {kind: halving, rungs: 2, reduction: 2}
SPEC
}
is_a_script() {
  shellcheck "$1" || fail "$1 does not pass shellcheck"
}

# Everything below the test's folder but what a command may write.
outside() {
  find "$place" -path "$place/out" -prune -o -print0 | sort -z | tr '\0\n' '\n '
}
nothing_ran() {
  [[ $(outside) == "$before" ]] || fail "$1: something is written elsewhere:
$(diff <(echo "$before") <(outside))"
  [[ -z $(find "$top" -name "$ran") && ! -e /$ran ]] ||
    fail "$1: a name was executed"
}
mkdir -p "$place/work"
cd "$place/work"
write_hostile_spec good
before=$(outside)

echo "names of data sets"
for name in "$evil" '../../up' "\$(touch $ran)" 'a;b' '..'; do
  write_hostile_spec "$(quoted "$name")"
  "$program" check "$spec" >"$top/said" 2>&1 &&
    fail "a data set may be called $name"
  grep "wanted letters, digits" "$top/said" >/dev/null ||
    fail "the refusal of $name says: $(cat "$top/said")"
done
# A value of a spec is one line.
write_hostile_spec good "$place/$evil/m $line"
"$program" check "$spec" >"$top/said" 2>&1 && fail "a model has two lines"
grep "wanted one line of text" "$top/said" >/dev/null ||
  fail "the refusal of two lines says: $(cat "$top/said")"
nothing_ran check
write_hostile_spec good

# `..` in it, too.
out="$place/out/a/../o $evil"
mkdir -p "$place/out"
echo "run"
"$program" run "$spec" --out "$out run" >"$top/said" 2>&1 ||
  fail "run: $(cat "$top/said")"
nothing_ran run
calm=$place/out/o\ $evil\ run
[[ $(find "$calm/runs" -name '*.h5' -printf x) == xx ]] ||
  fail "wanted 2 records"

echo "lines for sh"
"$program" plan "$spec" --out "$out lines" >"$top/lines.sh" 2>/dev/null
[[ $(wc -l <"$top/lines.sh") == 2 ]] || fail "not a line a run"
# A newline in a word is for bash: another sh finds no such folder.
sh "$top/lines.sh" >"$top/said" 2>&1 || true
nothing_ran "lines for sh"
bash "$top/lines.sh" >"$top/said" 2>&1 || fail "bash: $(cat "$top/said")"
nothing_ran "lines for bash"
same_records "$program" "$calm" "$place/out/o $evil lines"

command -v shellcheck >/dev/null ||
  skip_rest hostile_names tools "no shellcheck (./setup.sh --cluster)"
require_slurm hostile_names skip_rest
export SLURM_CONF=$slurm/slurm.conf
"$here/slurm_up.sh" "$slurm" 3 "${SLURM_TEST_PORT:-17100}"
write_searched_spec
before=$(outside)
for flag in --partition --account --qos --constraint --mail-user --gres; do
  "$program" submit "$spec" --out "$place/out/refused" "$flag" \
    "a; touch $ran" >"$top/said" 2>&1 || true
done
nothing_ran "submit of options"
cat >"$place/out/profile.yaml" <<'PROFILE'
job_name: $(touch RAN); "`touch RAN`' #
PROFILE
for recipe in names profile; do
  echo "submit: $recipe"
  words=(--out "$out $recipe")
  [[ $recipe == profile ]] && words+=(--profile "$place/out/profile.yaml")
  "$program" submit "$spec" "${words[@]}" --dry-run >"$top/job.sh" 2>/dev/null
  is_a_script "$top/job.sh"
  "$program" submit "$spec" "${words[@]}" --wait >"$top/said" 2>&1 ||
    fail "submit: $(cat "$top/said" "$place/out/o $evil $recipe"/slurm/logs/*)"
  nothing_ran "submit: $recipe"
  same_records "$program" "$calm" "$place/out/o $evil $recipe"
done

echo "submit: search"
words=("$searched" --out "$out search" --profile "$place/out/profile.yaml")
"$program" submit "${words[@]}" --dry-run >"$top/job.sh" 2>/dev/null
is_a_script "$top/job.sh"
grep -e '--rung=' "$top/job.sh" >/dev/null || fail "no task is told a rung"
"$program" submit "${words[@]}" >"$top/said" 2>&1 ||
  fail "submit: $(cat "$top/said")"
scripts=("$place/out/o $evil search"/slurm/*.sh)
[[ ${#scripts[@]} == 2 && ${scripts[*]} == *.decide.sh* ]] ||
  fail "wanted a task's script and one that decides: ${scripts[*]}"
for script in "${scripts[@]}"; do is_a_script "$script"; done
"$program" cancel "$out search" >"$top/said" 2>&1 ||
  fail "cancel: $(cat "$top/said")"
nothing_ran "submit: search"
echo "names_test: good"
