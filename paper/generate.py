#!/usr/bin/env python3
"""Writes generated/: what the paper says of records, as LaTeX.

  generate.py --sftbench PROGRAM --records DIR

Numbers, tables and the ledger come from `report`, `query`, `claims` and `power`
of the program, and from simulated_sweeps.txt; figures from `report --figures`,
where the program and its Python have it. An experiment without records becomes
a sentence that says so. The standard library alone; the same records give the
same bytes.
"""
import argparse
import csv
import io
import json
import pathlib
import re
import subprocess
import sys

OUT = pathlib.Path(__file__).parent / "generated"
MINUS = "$-$"
TARGET = "alpaca_en_validation_loss"
# Columns of the main table: key, title, digits, and what stands behind.
LOSS = (TARGET, "test loss", 3, "sd")
HELD_OUT = ("wikitext2_cross_entropy_change", r"$\Delta$ held-out CE", 3,
            "interval")
ARC = ("arc_easy_accuracy_change", r"$\Delta$ ARC-Easy", 3, "interval")
LAMBADA = ("lambada_accuracy_change", r"$\Delta$ LAMBADA", 3, "interval")
RATE = ("learning_rate", "rate", None, None)
SEEDS = ("seeds", "seeds", 0, None)
KEPT = [HELD_OUT, ARC, LAMBADA]

APPLICATIONS = [("sst2", "SST-2, accuracy"), ("wnut17", "WNUT-17, span F1"),
                ("xquad", "XQuAD, F1"), ("dialogsum", "DialogSum, ROUGE-L"),
                ("multi30k", "Multi30k, BLEU"),
                ("roleplay", "role-play, loss"), ("alpaca", "Alpaca, loss")]
EXPERIMENTS = ["learning_rate", "forgetting", "sequence", "hft_shape",
               "replay", "packing_steps"]
# Of each experiment's pictures those that answer its question.
FIGURES = {"learning_rate": ["rates"], "forgetting": ["front", "rewind"],
           "sequence": ["rounds"], "hft_shape": ["target"],
           "replay": ["front"], "packing_steps": ["packing"]}


def escape(text):
    """For LaTeX's text, one pass over the letters."""
    table = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$",
             "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
             "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
             "<": r"\textless{}", ">": r"\textgreater{}",
             "Δ": r"$\Delta$", "±": r"$\pm$", "–": "--"}
    text = re.sub(r'"([^"]*)"', r"``\1''", text)
    return "".join(table.get(c, c) for c in text)


def number(text, digits):
    if text == "":
        return "--"
    if digits is None:
        mantissa, _, exponent = f"{float(text):.0e}".partition("e")
        return rf"${mantissa}\cdot10^{{{int(exponent)}}}$"
    shown = f"{float(text):.{digits}f}"
    if float(shown) == 0:
        shown = shown.lstrip("-")
    return shown.replace("-", MINUS)


def cell(row, key, digits, more):
    text = number(row.get(key, ""), digits)
    if text == "--":
        return text
    if more == "sd" and row.get(key + "_sd"):
        text += rf" {{\scriptsize$\pm$ {number(row[key + '_sd'], digits)}}}"
    if more == "interval" and row.get(key + "_low"):
        low, high = (number(row[f"{key}_{end}"], digits)
                     for end in ("low", "high"))
        text += rf" {{\scriptsize[{low}, {high}]}}"
    return text


def tabular(header, rows, align, caption, label, size="small"):
    lines = [r"\begin{table}[htbp]\centering\%s" % size,
             r"\caption{%s}\label{tab:%s}" % (caption, label),
             r"\begin{tabular}{@{}%s@{}}" % align, r"\toprule",
             " & ".join(header) + r" \\", r"\midrule"]
    lines += [" & ".join(row) + r" \\" for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


class Records:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def file(self, name):
        """An application's records with three seeds, where they are there."""
        seeds = self.folder / f"{name}_seeds.h5"
        return seeds if seeds.exists() else self.folder / f"{name}.h5"

    def run(self, *words):
        done = subprocess.run([self.program, *map(str, words)],
                              capture_output=True, encoding="utf-8")
        if done.returncode != 0:
            sys.exit(f"paper: sftbench {' '.join(map(str, words))}: "
                     f"{done.stderr.strip()}")
        return done.stdout

    def table(self, name, which):
        text = self.run("report", self.file(name), "--format", "csv",
                        "--table", which)
        return list(csv.DictReader(io.StringIO(text)))

    def total(self, name, column):
        text = self.run("query", self.file(name), "--format", "json",
                        "--columns", column)
        return sum(row[column] or 0 for row in json.loads(text))


def label_of(row):
    """What people call a row of the main table."""
    if row["method"] == "lora":
        for key, name in (("lora.dora", "DoRA"), ("lora.rslora", "rsLoRA")):
            if row.get(key) == "true":
                return name
        if row.get("lora.init") == "pissa":
            return "PiSSA"
    names = {"full": "full", "hft": "HFT", "lora": "LoRA", "qlora": "QLoRA",
             "l2sp": "L2-SP", "ewc": "EWC", "mofo": "MoFO", "lisa": "LISA",
             "ssu": "SSU", "oft": "OFT"}
    return escape(names.get(row["method"], row["method"]))


def main_table(rows, own, columns, caption, label):
    """`own`: the first columns, title and function of the row."""
    there = [c for c in columns if any(row.get(c[0]) for row in rows)]
    header = [title for title, _ in own] + [title for _, title, _, _ in there]
    body = [[of(row) for _, of in own] +
            [cell(row, key, digits, more) for key, _, digits, more in there]
            for row in rows]
    return tabular(header, body, "l" * len(own) + "r" * len(there), caption,
                   label, "footnotesize")


METHOD = ("method", label_of)


def learning_rate(records):
    rows = records.table("learning_rate", "main")
    chosen = [r for r in rows if r.get("selected") == "*" or
              r["method"] == "untuned"]
    return main_table(
        chosen, [METHOD], [RATE, SEEDS, LOSS, HELD_OUT],
        "The rate of each method with the lowest validation loss, of five, "
        "and its test loss (nats a token) there.", "learning_rate")


def forgetting(records):
    rows = records.table("forgetting", "main")
    text = main_table(rows, [METHOD], [RATE, SEEDS, LOSS, *KEPT],
                      "At the end: test loss, and changes of what is "
                      "retained.", "forgetting")
    equal = [r for r in records.table("forgetting", "equal_target")
             if r["set"] == "wikitext2"]
    body = [[escape(r["row"]), number(r["pairs"], 0), number(r["missed"], 0),
             cell(r, "difference", 4, "interval"), number(r["p"], 4)]
            for r in equal]
    if body:
        text += tabular(
            ["row", "pairs", "missed", "difference of held-out CE", "$p$"],
            body, "lrrrr",
            "At equal target score: held-out cross-entropy less that of full "
            "fine-tuning, where both have the worse one's validation loss; "
            "$p$ is not corrected.", "equal_target", "footnotesize")
    return text


def sequence(records):
    rows = [r for r in records.table("sequence", "sequence")
            if r["over"] == "tasks"]
    body = [[escape(r["row"]), escape(r["measure"]), number(r["seeds"], 0),
             cell(r, "value", 3, "interval"),
             cell(r, "difference", 3, "interval")] for r in rows]
    lines = [r"{\footnotesize\begin{longtable}{@{}llrrr@{}}",
             r"\caption{Measures over the sequence, and what they are above "
             r"the baseline's.}\label{tab:sequence}\\", r"\toprule",
             r"row & measure & seeds & value & difference \\", r"\midrule",
             r"\endfirsthead", r"\toprule",
             r"row & measure & seeds & value & difference \\", r"\midrule",
             r"\endhead", r"\bottomrule", r"\endfoot"]
    lines += [" & ".join(row) + r" \\" for row in body]
    return "\n".join(lines + [r"\end{longtable}}"]) + "\n"


def hft_shape(records):
    rows = records.table("hft_shape", "main")
    own = [METHOD,
           ("frozen as one", lambda r: escape(r.get("hft.granularity", ""))),
           ("trained", lambda r: escape(r.get("hft.trainable_ratio", "")))]
    return main_table(rows, own, [SEEDS, LOSS, *KEPT],
                      "What half fine-tuning freezes as one, and the share "
                      "that it trains.", "hft_shape")


def replay(records):
    rows = records.table("replay", "main")
    own = [("replayed",
            lambda r: "untuned" if r["method"] == "untuned" else
            escape(r["replay.share"]) if r.get("replay.from") else "none")]
    return main_table(rows, own, [SEEDS, LOSS, *KEPT],
                      "Full fine-tuning with a share of general text.",
                      "replay")


def packing_steps(records):
    rows = records.table("packing_steps", "main")
    own = [("batching", lambda r: escape(r["batching"].replace("_", "-") or
                                         r["method"])),
           ("budget", lambda r: "" if r["method"] == "untuned" else
            r["budget.steps"] + " steps" if r.get("budget.steps", "0") != "0"
            else r.get("budget.epochs", "") + " epochs")]
    return main_table(rows, own, [SEEDS, ("optimizer_steps", "steps", 0, None),
                                  ("tokens_per_second", "tokens/s", 0, None),
                                  LOSS, HELD_OUT],
                      "Padded, padding-free and packed rows at equal epochs "
                      "and at equal steps.", "packing_steps")


def applications(records):
    body, missing = [], []
    for name, title in APPLICATIONS:
        if not records.file(name).exists():
            missing.append(name)
            continue
        rows = records.table(name, "comparisons")
        first = True
        for r in rows:
            if r["against"] != "untuned" or "retained" in r["task"]:
                continue
            if r["task"] != rows[0]["task"]:
                continue
            body.append([escape(title) if first else "",
                         escape(r["row"].split()[0]), number(r["seeds"], 0),
                         cell(r, "gain", 3, "interval"),
                         escape(r["verdict"])])
            first = False
    text = ""
    if missing:
        text += ("No records are kept of " + escape(", ".join(missing)) +
                 ".\n\n")
    if body:
        text += ("Table~\\ref{tab:applications} sets each method beside the "
                 "untuned model.\n" + tabular(
            ["task, metric", "method", "seeds", "gain over untuned", "verdict"],
            body, "llrrl",
            "Gains over the untuned model on seven applications. A row with "
            "one seed speaks of that model alone.", "applications",
            "footnotesize"))
    return text


def safely(name, make, records):
    if not records.file(name).exists():
        return (r"The records of this experiment (\code{%s.h5}) are not in "
                r"\code{results/reference/} yet: nothing is claimed here. "
                r"The spec is \code{experiments/%s.yaml}." %
                (escape(name), escape(name)) + "\n")
    return make(records) + figures(records, name)


def ledger(claims):
    lines = [r"{\footnotesize\setlength{\tabcolsep}{3pt}",
             r"\begin{longtable}{@{}>{\raggedright\arraybackslash}p{0.27\textwidth}"
             r">{\raggedright\arraybackslash}p{0.15\textwidth}"
             r">{\raggedright\arraybackslash}p{0.13\textwidth}"
             r">{\raggedright\arraybackslash}p{0.26\textwidth}"
             r">{\raggedright\arraybackslash}p{0.11\textwidth}@{}}",
             r"\caption{Claims, and what is found here. An interval is of "
             r"95\,\%.}\label{tab:ledger}\\", r"\toprule",
             r"claim & source & theirs & ours & verdict \\", r"\midrule",
             r"\endfirsthead", r"\toprule",
             r"claim & source & theirs & ours & verdict \\", r"\midrule",
             r"\endhead", r"\bottomrule", r"\endfoot"]
    for claim in claims:
        ours = []
        for test in claim["tests"]:
            text = escape(test["what"]) + ": "
            if test["value"] is None:
                text += escape(test["why"] or "not there")
            else:
                text += short(test["value"])
                if test["low"] is not None and test["low"] != test["high"]:
                    high = (r"$\infty$" if test["high"] is None
                            else short(test["high"]))
                    text += f" [{short(test['low'])}, {high}]"
                text += " " + escape(test["unit"]) if test["unit"] else ""
                text += " (" + escape(test["basis"]) + ")"
            ours.append(text)
        if not claim["tests"]:
            ours.append(escape(claim["why"]))
        source = escape(f"{claim['authors']} ({claim['year']}), ")
        identifier = claim["id"]
        site = re.match(r"https?://([^/]+)", identifier)
        source += (r"\href{%s}{%s}" % (identifier, site[1]) if site
                   else escape(identifier))
        lines.append(" & ".join([escape(claim["statement"]), source,
                                 escape(claim["theirs"]), "; ".join(ours),
                                 escape(claim["verdict"])]) +
                     r" \\ \addlinespace[3pt]")
    return "\n".join(lines + [r"\end{longtable}}"]) + "\n"


def short(value):
    return f"{value:.4g}".replace("-", MINUS)


def detectable(records):
    rows = json.loads(records.run("power", "--json"))
    some = [(int(r["seeds"]), int(r["comparisons"]), r["detectable"])
            for r in rows]
    words = {1: "one comparison", 4: "four", 12: "twelve"}
    parts = []
    for seeds in sorted({s for s, _, _ in some}):
        own = ", ".join(f"{d:.2f} ({words.get(m, m)})"
                        for s, m, d in some if s == seeds)
        parts.append(f"{own} with {seeds} seeds")
    return "; ".join(parts) + ":\n"


def simulated(folder):
    path = folder / "simulated_sweeps.txt"
    if not path.exists():
        return {"SimCoverageLow": "--", "SimCoverageHigh": "--",
                "SimFalseHigh": "--"}
    coverage, false = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = [p.strip() for p in line.split("|")[1:-1]]
        if len(parts) != 8 or not re.match(r"^[0-9]+$", parts[1]):
            continue
        for text in parts[3:6]:
            if text:
                false.append(float(text.split()[0]))
        coverage += [float(p) for p in re.findall(r"[0-9.]+", parts[6])]
    return {"SimCoverageLow": f"{min(coverage):.1f}",
            "SimCoverageHigh": f"{max(coverage):.1f}",
            "SimFalseHigh": f"{max(false):.1f}"}


def cost(records):
    body = []
    for name in EXPERIMENTS + [n for n, _ in APPLICATIONS]:
        if not records.file(name).exists():
            continue
        rows = json.loads(records.run("query", records.file(name), "--format",
                                      "json", "--columns", "run_id"))
        trained = records.total(name, "measured.train_cpu_seconds") / 3600
        scored = records.total(name, "measured.eval_wall_seconds") / 3600
        body.append([r"\code{%s}" % escape(name), str(len(rows)),
                     f"{trained:.2f}", f"{scored:.2f}"])
    if not body:
        return "No records are here.\n"
    hours = sum(float(b[2]) + float(b[3]) for b in body)
    return ("The records of this paper took %.1f hours: processor time of "
            "training, and wall time of evaluation (Table~\\ref{tab:cost}).\n"
            % hours + tabular(
                ["experiment", "runs", "training (CPU h)", "evaluation (h)"],
                body, "lrrr", "What the records cost.", "cost"))


def figures(records, name):
    """Of FIGURES, what `report --figures` makes; nothing where it cannot."""
    folder = OUT / "figures" / name
    done = subprocess.run([records.program, "report", str(records.file(name)),
                           "--figures", str(folder)], capture_output=True)
    if done.returncode != 0:
        return "% No figure: report --figures is not to be had here.\n"
    groups = json.loads((folder / "pictures.json").read_text("utf-8"))
    titles = {one["name"]: one["title"] for one in groups["pictures"]}
    lines = []
    for kind in FIGURES.get(name, []):
        drawn = sorted(folder.glob(f"{kind}*.pdf"))
        if not drawn:
            continue
        lines.append(r"\begin{figure}[htbp]\centering"
                     r"\includegraphics[width=0.62\textwidth]"
                     r"{generated/figures/%s/%s}"
                     r"\caption{%s: \code{%s}.}\end{figure}" %
                     (name, drawn[0].name, escape(titles[kind]),
                      escape(name)))
    return "\n".join(lines) + "\n"


def macros(values):
    return "".join(rf"\newcommand{{\{name}}}{{{value}}}" + "\n"
                   for name, value in sorted(values.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sftbench", required=True, type=pathlib.Path)
    parser.add_argument("--records", required=True, type=pathlib.Path)
    options = parser.parse_args()
    records = Records(options.sftbench.resolve(), options.records)
    OUT.mkdir(exist_ok=True)

    def write(name, text):
        (OUT / f"{name}.tex").write_text(text, encoding="utf-8")
    makers = {"learning_rate": learning_rate, "forgetting": forgetting,
              "sequence": sequence, "hft_shape": hft_shape, "replay": replay,
              "packing_steps": packing_steps}
    for name in EXPERIMENTS:
        write(name, safely(name, makers[name], records))
    write("applications", applications(records))
    claims = json.loads(records.run("claims", "--records", options.records,
                                    "--json"))
    write("ledger", ledger(claims))
    count = {"Reproduced": "reproduced", "NotReproduced": "not reproduced",
             "Undecided": "undecided", "NotTested": "not tested here"}
    values = {"Claims" + name: sum(c["verdict"] == verdict for c in claims)
              for name, verdict in count.items()}
    values["ClaimsAll"] = len(claims)
    values.update(simulated(options.records))
    write("numbers", macros(values))
    write("detectable", detectable(records))
    write("cost", cost(records))


if __name__ == "__main__":
    main()
