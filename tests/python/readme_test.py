"""README's tables against what the program prints, and its recipes as printed.
(The cluster's: tests/slurm/slurm_sweep_test.sh; pandas': records_test.py.)

    readme_test.py SFTBENCH
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import support


def recipe(name):
    text = (support.ROOT / "README.md").read_text("utf-8")
    found = re.search(rf"<!-- recipe: {name} -->\n```sh\n(.*?)```\n"
                      "<!-- /recipe -->", text, re.S)
    assert found, f"README.md has no recipe '{name}'"
    return found[1]


def checkout(folder):
    """What a recipe finds where it is pasted."""
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "sftbench").symlink_to(os.path.abspath(sys.argv[1]))
    (folder / "experiments").symlink_to(support.ROOT / "experiments")
    (folder / "results").mkdir()
    (folder / "results" / "reference").symlink_to(support.REFERENCE)
    return folder


def pasted(name, folder):
    done = subprocess.run(["bash", "-euc", recipe(name)], cwd=folder, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return done.stdout


def check_comparison(folder):
    said = pasted("comparison", checkout(folder))
    for word in ("untuned", "qlora", "Paired comparisons"):
        assert word in said, said
    page = folder / "results" / "runs" / "smoke.html"
    assert "does the chain hold" in page.read_text("utf-8")


def check_paper(folder):
    if shutil.which("latexmk") is None:
        support.skip("readme's paper", "tools", "no TeX (./setup.sh --tests)",
                     in_part=True)
        return
    pasted("paper", checkout(folder))
    made = folder / "results" / "tmp"
    assert (made / "paper.pdf").read_bytes().startswith(b"%PDF-")
    log = (made / "paper.log").read_text("latin-1")
    bad = re.findall(r"^(?:Over|Under)full.*|.*undefined.*", log, re.M)
    assert not bad, bad


def main():
    support.forget_skips()
    done = subprocess.run(
        [sys.executable, support.ROOT / "scripts" / "readme_tables.py",
         "--check", "--sftbench", sys.argv[1]], text=True, capture_output=True,
        check=False)
    assert done.returncode == 0, done.stderr
    print("ok", done.stdout.strip())
    with tempfile.TemporaryDirectory() as scratch:
        check_paper(pathlib.Path(scratch) / "paper")
        print("ok: a table into my paper")
        assets = os.environ.get("SFTBENCH_ASSETS", support.ROOT / "assets")
        if not (pathlib.Path(assets) / "models" / "glassllm").exists():
            support.skip("readme's comparison", "assets",
                         "no assets (./setup.sh fetches them)", in_part=True)
            return
        os.environ["SFTBENCH_ASSETS"] = str(assets)
        check_comparison(pathlib.Path(scratch) / "comparison")
        print("ok: reproduce the comparison")


if __name__ == "__main__":
    main()
