#!/usr/bin/env python3
"""Writes text_metrics.json: chrF++, TER and exact match by their libraries.

  make_golden_text_metrics.py METRICS.py

Needs sacrebleu 2.6.0, numpy, and lm_eval/api/metrics.py of lm-eval 0.4.13, of
which the one function is read that is called here. All text is made up. A case
is [hypothesis, references] pairs, each text an index into "texts"; a result is
[value, items, signature]; a choice is [sums, answers, the likeliest by the sum,
the likeliest by the character].

Writes: text_metrics.json
"""
import ast
import json
import pathlib
import random
import re
import string
import sys
from importlib.metadata import version

import numpy as np
from sacrebleu.metrics import CHRF, TER

SEED = 20261201
CASES = 220
WORDS = ("the a an The A cat cats sat on mat quick brown fox jumps over lazy "
         "dog 3.14 1,000 42 50% $9.99 don't U.S. (hi) (a ,y x. ! ?! \"q\" é "
         "café Straße ΣΑΣ İstanbul 你好 世界。 今日は 😀 a\u0301 x\u3000y привет "
         "### 7 -").split(" ")
PATTERNS = [[], [","], [r"\$"], [r"(?s).*#### "], [r"\.$"],
            [",", r"\$", r"(?s).*#### ", r"\.$"], [r"\b(the|The|a) "],
            [r"[0-9]+"], [r"\s+$"]]


def text(rng):
    if rng.random() < 0.05:
        return rng.choice(["", " ", ".", "the", "1"])
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 22)))


def edit(rng, s):
    words = s.split(" ")
    for _ in range(rng.randrange(0, 4)):
        at = rng.randrange(len(words) + 1)
        words[at:at + rng.randrange(2)] = [rng.choice(WORDS)] * rng.randrange(2)
    for _ in range(rng.randrange(0, 3)):  # blocks that moved
        a, b = sorted(rng.randrange(len(words) + 1) for _ in range(2))
        block, rest = words[a:b], words[:a] + words[b:]
        at = rng.randrange(len(rest) + 1)
        words = rest[:at] + block + rest[at:]
    return " ".join(words)


def exact_match_of(path):
    tree = ast.parse(pathlib.Path(path).read_text())
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef)
             and n.name == "exact_match_hf_evaluate"]
    names = {"np": np, "re": re, "string": string}
    exec(compile(ast.Module(found, []), path, "exec"), names)
    return names["exact_match_hf_evaluate"]


def short(x):
    return round(float(x), 10)


def result(metric, items, streams):
    hyps = [h for h, _ in items]
    value = metric.corpus_score(hyps, streams).score
    signature = str(metric.get_signature())
    return [short(value), [short(metric.sentence_score(h, r).score)
                           for h, r in items], signature]


def main():
    exact_match = exact_match_of(sys.argv[1])
    rng = random.Random(SEED)
    texts, cases = [], []

    def index(s):
        texts.append(s)
        return len(texts) - 1

    for number in range(CASES):
        refs = number % 3 + 1
        items = []
        for _ in range(rng.randrange(1, 4)):
            base = text(rng)
            near = rng.choice([base, base.upper(), base + ".", base + " ",
                               base.replace(",", ""), edit(rng, base),
                               edit(rng, base), edit(rng, base)])
            items.append((near, [base if r == 0 else edit(rng, base)
                                 for r in range(refs)]))
        streams = [[r[i] for _, r in items] for i in range(refs)]
        flag = number % 2 == 1
        case = {"items": [[index(h), [index(r) for r in rs]]
                          for h, rs in items], "flag": flag,
                "chrfpp": result(CHRF(word_order=2, lowercase=flag), items,
                                 streams),
                "ter": result(TER(case_sensitive=flag), items, streams)}
        options = {"ignore_case": bool(number & 2),
                   "ignore_punctuation": bool(number & 4),
                   "ignore_numbers": bool(number & 8)}
        patterns = PATTERNS[number % len(PATTERNS)]
        each = [max(float(exact_match([h], [r], patterns or None,
                                      **options)["exact_match"]) for r in rs)
                for h, rs in items]
        case["exact"] = {**options, "regexes": patterns,
                         "result": [short(sum(each) / len(each)), each]}
        cases.append(case)
    # Long ones: the beam and the limit of tried shifts come in.
    for number in range(6):
        base = [rng.choice(WORDS[:12]) for _ in range(rng.randrange(40, 120))]
        moved = base[60:] + base[:20] + base[20:60]
        items = [(" ".join(moved), [" ".join(base[:(number + 1) * 15])])]
        cases.append({"items": [[index(h), [index(r) for r in rs]]
                                for h, rs in items], "flag": False,
                      "chrfpp": result(CHRF(word_order=2), items,
                                       [[items[0][1][0]]]),
                      "ter": result(TER(), items, [[items[0][1][0]]])})
    # acc and acc_norm of lm_eval/api/task.py, over sums that are often equal.
    choices = []
    for _ in range(CASES):
        given = [text(rng) or "-" for _ in range(rng.randrange(2, 6))]
        lls = np.array([-rng.choice([1.5, 2.0, 6.0, 12.25, 30.0]) * rng.choice(
            [1, len(g)]) for g in given])
        choices.append([lls.tolist(), given, int(np.argmax(lls)), int(
            np.argmax(lls / np.array([float(len(g)) for g in given])))])
    made_by = {"script": "tests/golden/make_golden_text_metrics.py",
               "sacrebleu": version("sacrebleu"), "numpy": version("numpy"),
               "lm_eval": "0.4.13", "seed": SEED}

    def dump(x):
        return json.dumps(x, ensure_ascii=True, separators=(",", ":"))
    path = pathlib.Path(__file__).with_name("text_metrics.json")
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s' % dump(made_by))
        for name, rows in (("texts", texts), ("cases", cases),
                           ("choices", choices)):
            f.write(',\n"%s":[\n' % name + ",\n".join(map(dump, rows)) + "\n]")
        f.write("\n}\n")
    print(path.name, path.stat().st_size, len(cases),
          sum(c["exact"]["result"][0] > 0 for c in cases if "exact" in c))


if __name__ == "__main__":
    main()
