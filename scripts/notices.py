#!/usr/bin/env python3
"""What others made and this program contains, as a list and as an SBOM.

    notices.py [--program build/sftbench] [--out third_party]
        [--components third_party/components.tsv]

Looks at the libraries that the program is linked against (objdump, ldd), at the
packages of Debian and PyPI that they belong to, and at the libraries that are
compiled into it. Writes OUT/NOTICES.md and OUT/sbom.cdx.json (CycloneDX 1.5),
the same bytes for the same versions. Each library that the program itself
names must be of a row of components.tsv, which has its licence: exit code 1,
with the name, where one is not. Those that such libraries need in turn are
listed with the licence that Debian's copyright file has for them.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIRST_LICENCE = re.compile(r"^License:\s*(\S.*)$", re.MULTILINE)


def output(*words):
    return subprocess.run(words, capture_output=True, text=True,
                          check=False).stdout


def read_components(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


def named_libraries(program):
    """Those that the program's own header names."""
    return re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", program))


def all_libraries(program):
    """soname -> path, of these and of what they need."""
    found = re.findall(r"^\s*(\S+) => (/\S+)", output("ldd", program),
                       re.MULTILINE)
    return {name: pathlib.Path(path) for name, path in found}


def debian_package(path):
    """(package, version) of a file; ldd shows paths before /usr was merged."""
    for name in (path, path.resolve(), pathlib.Path("/usr") / path.resolve()
                 .relative_to("/")):
        owner = output("dpkg-query", "-S", str(name)).split(":")[0]
        if owner:
            return owner, debian_version(owner)
    return None


def debian_version(package):
    return output("dpkg-query", "-W", "-f", "${Version}\n",
                  package).split("\n")[0]


def debian_licence(package):
    path = pathlib.Path("/usr/share/doc") / package / "copyright"
    try:
        found = FIRST_LICENCE.search(path.read_text(errors="replace"))
    except OSError:
        found = None
    return found[1].strip() if found else "see its copyright file"


def wheel_version(package):
    site = next(iter((ROOT / ".venv/lib").glob("python3*/site-packages")), None)
    name = package.replace("-", "_")
    for info in site.glob(f"{name}-*.dist-info") if site else ():
        return info.name[len(name) + 1:-len(".dist-info")]
    return ""


def row_component(row):
    """A row of the table as a component, or None where it is not here."""
    kind, package = row["package"].split(":", 1)
    package, _, inside = package.partition("#")
    if kind == "deb":
        version, purl = debian_version(package), f"pkg:deb/debian/{package}"
        text = f"/usr/share/doc/{package}/copyright"
    elif kind == "pypi":
        version, purl = wheel_version(package), f"pkg:pypi/{package}"
        text = f"{package}'s wheel"
    else:
        readme = (ROOT / package / "README.md").read_text(encoding="utf-8")
        version = re.search(r"`llama-cpp-python` (\S+)", readme)[1]
        purl, text = f"pkg:generic/{row['name']}", f"{package}/LICENSE"
    if not version:
        return None
    return {"name": row["name"], "version": version, "licence": row["licence"],
            "purl": f"{purl}@{version}" + (f"#{inside}" if inside else ""),
            "text": text, "for": row["used for"]}


def of_row(rows, library):
    for row in rows:
        if row["libraries"] != "-" and re.fullmatch(row["libraries"], library):
            return row
    return None


def collect(program, rows):
    unknown = [name for name in named_libraries(program)
               if not of_row(rows, name)]
    if unknown:
        sys.exit(f"{program} is linked against {', '.join(unknown)}, of no "
                 "row of components.tsv: write one, with the licence")
    direct = [row_component(row) for row in rows]
    missing = [row["name"] for row, made in zip(rows, direct) if not made]
    if missing:
        sys.exit(f"not installed here: {', '.join(missing)} (./setup.sh)")
    behind = {}
    for name, path in sorted(all_libraries(program).items()):
        if of_row(rows, name):
            continue
        package = debian_package(path)
        if package:
            behind[package[0]] = {
                "name": package[0], "version": package[1],
                "licence": debian_licence(package[0]),
                "purl": f"pkg:deb/debian/{package[0]}@{package[1]}",
                "text": f"/usr/share/doc/{package[0]}/copyright"}
        else:
            behind[name] = {"name": name, "version": "", "licence": "unknown",
                            "purl": "", "text": str(path.name)}
    return direct, [behind[name] for name in sorted(behind)]


def write_notices(path, direct, behind):
    lines = [
        "# What others made", "",
        "Written by scripts/notices.py from what the program is linked "
        "against; not by hand.",
        "sftbench itself is under the licence of [LICENSE](../LICENSE).", "",
        "| name | version | licence | its text | for |",
        "| --- | --- | --- | --- | --- |"]
    lines += [f"| {c['name']} | {c['version']} | {c['licence']} | {c['text']} "
              f"| {c['for']} |" for c in direct]
    lines += [
        "", "LibTorch's wheel contains libraries of its own (oneDNN, Intel MKL "
        "and others), which",
        "the NOTICE and LICENSE files of the wheel list.", "",
        "## What these need in turn", "",
        "Debian's packages, with the name that their copyright file has for "
        "the licence.", "",
        "| package | version | licence |", "| --- | --- | --- |"]
    lines += [f"| {c['name']} | {c['version']} | {c['licence']} |"
              for c in behind]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def component(c, spdx):
    licence = c["licence"]
    if not spdx:
        licences = [{"license": {"name": licence}}]
    elif " " in licence:
        licences = [{"expression": licence}]
    elif licence.startswith("LicenseRef-"):
        licences = [{"license": {"name": licence[len("LicenseRef-"):]}}]
    else:
        licences = [{"license": {"id": licence}}]
    out = {"type": "library", "bom-ref": c["purl"] or c["name"],
           "name": c["name"], "version": c["version"], "licenses": licences}
    if c["purl"]:
        out["purl"] = c["purl"]
    return out


def write_sbom(path, direct, behind):
    components = ([component(c, True) for c in direct] +
                  [component(c, False) for c in behind])
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "sftbench",
                                   "name": "sftbench"}},
        "components": components,
        "dependencies": [
            {"ref": "sftbench", "dependsOn":
                [c["bom-ref"] for c in components[:len(direct)]]}],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/sftbench"))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "third_party")
    parser.add_argument("--components", type=pathlib.Path,
                        default=ROOT / "third_party/components.tsv")
    flags = parser.parse_args()
    direct, behind = collect(flags.program, read_components(flags.components))
    write_notices(flags.out / "NOTICES.md", direct, behind)
    write_sbom(flags.out / "sbom.cdx.json", direct, behind)


if __name__ == "__main__":
    main()
