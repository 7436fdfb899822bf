#!/usr/bin/env python3
"""notices_test.py SFTBENCH: the lists of what others made.

scripts/notices.py names every library of the program, `version --full` the same
ones with the same licences, the SBOM has what CycloneDX 1.5 wants of it, the
files that lie in the repository have these components, a library of no row is
refused, and every Python package is pinned by hashes.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from support import ROOT, forget_skips, program, skip

NOTICES = ROOT / "scripts" / "notices.py"
COMPONENTS = ROOT / "third_party" / "components.tsv"
SPDX_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.-]*$")


def run(*words):
    return subprocess.run([sys.executable, str(NOTICES), "--program",
                           sys.argv[1], *map(str, words)],
                          capture_output=True, text=True, check=False)


def check_sbom(sbom):
    assert sbom["bomFormat"] == "CycloneDX" and sbom["specVersion"] == "1.5"
    assert sbom["version"] == 1
    references = {sbom["metadata"]["component"]["bom-ref"]}
    for component in sbom["components"]:
        assert component["type"] == "library", component
        assert component["name"] and component["version"], component
        assert component["purl"].startswith("pkg:"), component
        assert component["bom-ref"] not in references, component
        references.add(component["bom-ref"])
        assert len(component["licenses"]) == 1, component
        licence = component["licenses"][0]
        assert ("expression" in licence) != ("license" in licence), component
        if "id" in licence.get("license", {}):
            assert SPDX_ID.match(licence["license"]["id"]), component
    direct = set(sbom["dependencies"][0]["dependsOn"])
    assert sbom["dependencies"][0]["ref"] == "sftbench"
    assert direct and direct <= references, direct - references
    return {c["name"] for c in sbom["components"] if c["bom-ref"] in direct}


def check_pins():
    pinned = 0
    for path in sorted((ROOT / "scripts" / "requirements").glob("*.txt")):
        lines = [line for line in path.read_text().splitlines()
                 if line and not line.startswith("#")]
        for line, following in zip(lines, lines[1:] + [""]):
            if "==" not in line:
                assert re.match(r"    --hash=sha256:[0-9a-f]{64}( \\)?$", line)
                continue
            assert line.endswith(" \\") and "--hash" in following, line
            pinned += 1
    assert pinned >= 15, pinned
    assert "--require-hashes" in (ROOT / "setup.sh").read_text()


def main():
    forget_skips()
    check_pins()
    rows = [line.split("\t") for line in
            COMPONENTS.read_text(encoding="utf-8").splitlines()]
    named = {row[0]: row[1] for row in rows[1:]}
    full = json.loads(program("version", "--full", "--json"))
    assert {c["name"]: c["licence"] for c in full["libraries"]} == named
    committed = json.loads(
        (ROOT / "third_party" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert check_sbom(committed) == set(named)
    notices = (ROOT / "third_party" / "NOTICES.md").read_text(encoding="utf-8")
    for name, licence in named.items():
        assert re.search(rf"^\| {re.escape(name)} \| \S+ \| "
                         rf"{re.escape(licence)} \|", notices, re.M), name
    with tempfile.TemporaryDirectory() as folder:
        if not pathlib.Path("/usr/bin/dpkg-query").exists():
            skip("notices", "tools", "no Debian here", in_part=True)
            return
        made = run("--out", folder)
        assert made.returncode == 0, made.stderr
        sbom = json.loads((pathlib.Path(folder) / "sbom.cdx.json").read_text())
        assert check_sbom(sbom) == set(named)
        assert run("--out", folder).returncode == 0
        again = json.loads((pathlib.Path(folder) / "sbom.cdx.json").read_text())
        assert sbom == again
        # A library that somebody links and says nothing of.
        fewer = pathlib.Path(folder) / "components.tsv"
        fewer.write_text("".join(
            "\t".join(row) + "\n" for row in rows if row[0] != "yaml-cpp"))
        refused = run("--out", folder, "--components", fewer)
        assert refused.returncode == 1, refused.stdout
        assert "libyaml-cpp" in refused.stderr, refused.stderr
    print("notices: good")


if __name__ == "__main__":
    main()
