"""`report --figures`: a picture a file, the same bytes when it is made again, and
what a store lacks is named.

    figures_test.py SFTBENCH
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import support


def drawn(store, folder):
    python = support.python_with("figures", "matplotlib", "h5py", "pandas")
    said = support.program("report", store, "--figures", folder,
                           environment={"SFTBENCH_PYTHON": python})
    return said, {path.name: path.read_bytes()
                  for path in sorted(folder.iterdir())}


def check_no_python(scratch):
    done = subprocess.run(
        [sys.argv[1], "report", support.REFERENCE / "sst2.h5", "--figures",
         scratch / "none"], text=True, capture_output=True, check=False,
        env={**os.environ, "SFTBENCH_PYTHON": "/nowhere/python"})
    assert done.returncode == 2, done.returncode
    assert "/nowhere/python: is not there" in done.stderr, done.stderr
    assert "setup.sh" in done.stderr and done.stderr.count("\n") == 1


def main():
    support.forget_skips()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        check_no_python(scratch)
        for name in ("sst2", "multi30k"):
            store = support.REFERENCE / f"{name}.h5"
            said, files = drawn(store, scratch / "a" / name)
            _, again = drawn(store, scratch / "b" / name)
            assert files.keys() == again.keys()
            for path, content in files.items():
                assert content == again[path], f"{path}: other bytes"
            document = json.loads(files["pictures.json"])
            count = sum(len(one["pictures"]) for one in document["pictures"])
            for kind in ("svg", "pdf"):
                made = [path for path in files if path.endswith(kind)]
                assert len(made) == count, (made, count)
            names = {one["name"] for one in document["pictures"]}
            assert {"forest", "loss", "memory"} <= names, names
            for one in document["missing"]:
                assert f"no picture '{one['name']}'" in said, said
            assert "rewind" in {one["name"] for one in document["missing"]}
            for path, content in files.items():
                if path.endswith("svg"):
                    root = xml.fromstring(content)
                    assert len(list(root.iter())) > 30, f"{path}: is empty"
                if path.endswith("pdf"):
                    assert content.startswith(b"%PDF-")
            # What is drawn is what the program says.
            forest = next(one for one in document["pictures"]
                          if one["name"] == "forest")["pictures"][0]["forest"]
            table = support.program("report", store, "--table", "comparisons",
                                    "--format", "csv").splitlines()
            column = table[0].split(",").index("gain")
            gains = [float(line.split(",")[column]) for line in table[1:]]
            assert len(forest) == len(gains)
            for row, gain in zip(forest, gains):
                assert abs(row["value"] - gain) <= 1e-5 * max(1, abs(gain))
            print("ok", name, ", ".join(sorted(names)))
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
