"""How a golden file of numbers is written: by whom, and a line a part."""
import json
import pathlib
from importlib.metadata import version


def write(script, libraries, seed, parts):
    """`script`: the caller's __file__; the file is called as it is."""
    script = pathlib.Path(script)
    made_by = {"script": f"tests/golden/{script.name}",
               **{name: version(name) for name in libraries}, "seed": seed}
    name = script.stem.removeprefix("make_golden_")
    path = script.with_name(f"{name}.json")
    lines = [f'"made_by":{json.dumps(made_by)}']
    for part, value in parts.items():
        lines.append(f'"{part}":{json.dumps(value, separators=(",", ":"))}')
    path.write_text("{" + ",\n".join(lines) + "}\n", encoding="ascii")
    print(path.name, path.stat().st_size)
