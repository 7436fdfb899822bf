"""What the tests of python/ and of the page share."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "results" / "reference"
sys.path.insert(0, str(ROOT / "python"))
sys.dont_write_bytecode = True


def skip(test, need, why, in_part=False):
    """Says what is not tested; ends the test unless it is one in part."""
    line = f"skipped{' in part' if in_part else ''}: {test}: {why}"
    print(line)
    if "SFT_SKIPS_FILE" in os.environ:
        with open(os.environ["SFT_SKIPS_FILE"], "a", encoding="utf-8") as file:
            file.write(line + "\n")
    if need in os.environ.get("SFT_TESTS_REQUIRE", "").split(","):
        sys.exit(1)
    if not in_part:
        sys.exit(77)


def forget_skips():
    """Of an earlier run of this test."""
    if "SFT_SKIPS_FILE" in os.environ:
        pathlib.Path(os.environ["SFT_SKIPS_FILE"]).unlink(missing_ok=True)


def python_with(test, *modules, need="tools"):
    """An interpreter that has these: this one, or the installation's."""
    candidates = [os.environ.get("SFTBENCH_PYTHON"), sys.executable,
                  str(ROOT / ".venv" / "bin" / "python")]
    code = "import " + ", ".join(modules)
    for python in filter(None, candidates):
        found = subprocess.run([python, "-c", code], capture_output=True,
                               check=False)
        if found.returncode == 0:
            return python
    skip(test, need, f"no Python with {', '.join(modules)} "
                        "(./setup.sh, or SFTBENCH_PYTHON)")


def run_again_with(test, *modules, need="tools"):
    """Goes on in an interpreter that has these modules."""
    python = python_with(test, *modules, need=need)
    if python != sys.executable:
        os.execv(python, [python, *sys.argv])


def program(*words, environment=None):
    """Standard output of the program that the test is of."""
    done = subprocess.run([sys.argv[1], *map(str, words)], text=True,
                          capture_output=True, check=False,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        sys.exit(f"sftbench {' '.join(map(str, words))}: "
                 f"{done.returncode}\n{done.stderr}")
    return done.stdout
