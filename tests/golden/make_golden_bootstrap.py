#!/usr/bin/env python3
"""Writes bootstrap.json: paired bootstrap intervals and permutation p values.

  make_golden_bootstrap.py

Every draw is scored anew from texts, tags and labels by sacreBLEU, seqeval and
scikit-learn, and numpy takes the percentiles. Only the stream of random numbers
is sftbench's (harness/core/rng.h), written here a second time, so that the
draws are the same. Needs numpy, sacrebleu, seqeval, scikit-learn. All text is
made up here. A case has one model tuned under two seeds and the untuned one,
with what a record keeps of each; the difference is tuned minus untuned.

Writes: bootstrap.json
"""
import json
import pathlib
import random
import warnings
from importlib.metadata import version

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from seqeval.metrics import f1_score as seqeval_f1
from sklearn import metrics as sk

from counter import MASK, splitmix64

SEED = 20261201
ITEMS, SWAPPED_ITEMS, DRAWS = 24, 7, 120
PAIRS = [[0, 2], [1, 2]]  # system 2 is the untuned one
SALT = "golden"
WORDS = ("the a cat dog house runs sleeps under over quick lazy brown 42 is "
         "not red , . 猫 дом naïve").split()
TAGS = "O O O O B-PER I-PER B-LOC I-LOC".split()


def hash_name(name):
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & MASK
    return splitmix64(h)


class Stream:
    """Rng(0, Stream::kBootstrap, salt)."""

    def __init__(self, salt):
        self.key = splitmix64(
            splitmix64(hash_name("bootstrap")) ^ hash_name(salt))
        self.counter = 0

    def below(self, n):
        while True:
            x = splitmix64((self.key + 0x9E3779B97F4A7C15 * self.counter) & MASK)
            self.counter += 1
            wide = x * n
            if wide & MASK >= n or wide & MASK >= (-n & MASK) % n:
                return wide >> 64


# Each metric: value of a list of items, and what a record keeps of them.
def bleu(items):
    return BLEU().corpus_score([h for h, _ in items],
                               [[r for _, r in items]]).score


def chrf(items):
    return CHRF().corpus_score([h for h, _ in items],
                               [[r for _, r in items]]).score


def kept_bleu(items):
    rows = BLEU()._extract_corpus_statistics(
        [h for h, _ in items], [[r for _, r in items]])
    # sacreBLEU has lengths, 4 matches, 4 totals; a record has them in pairs.
    return {"sums": [s[:2] + [n for p in zip(s[2:6], s[6:]) for n in p]
                     for s in rows]}


def kept_chrf(items):
    return {"sums": CHRF()._extract_corpus_statistics(
        [h for h, _ in items], [[r for _, r in items]])}


def span_f1(items):
    return seqeval_f1([w for _, w in items], [g for g, _ in items])


def spans(tags):
    found, begin = set(), None
    for i, tag in enumerate(tags + ["O"]):
        goes_on = begin is not None and tag == "I-" + tags[begin][2:]
        if begin is not None and not goes_on:
            found.add((begin, i, tags[begin][2:]))
            begin = None
        if tag != "O" and not goes_on:
            begin = i
    return found


def kept_spans(items):
    return {"sums": [[len(spans(g) & spans(w)), len(spans(g)), len(spans(w))]
                     for g, w in items]}


def accuracy(items):
    return sk.accuracy_score([w for _, w in items], [g for g, _ in items])


def f1_macro(items):
    return sk.f1_score([w for _, w in items], [g for g, _ in items],
                       average="macro", zero_division=0)


def mcc(items):
    return sk.matthews_corrcoef([w for _, w in items], [g for g, _ in items])


def kept_labels(items):
    return {"predictions": [g for g, _ in items],
            "references": [w for _, w in items]}


def validation_loss(items):
    return sum(nats for nats, _ in items) / sum(n for _, n in items)


METRICS = {
    "accuracy": (accuracy, lambda x: {"items": [int(g == w) for g, w in x]}),
    "f1_macro": (f1_macro, kept_labels),
    "mcc": (mcc, kept_labels),
    "validation_loss": (validation_loss, lambda x: {
        "items": [nats / n for nats, n in x], "weights": [n for _, n in x]}),
    "span_f1": (span_f1, kept_spans),
    "bleu": (bleu, kept_bleu),
    "chrf": (chrf, kept_chrf)}


def edited(rng, words, choices, share):
    return [rng.choice(choices) if rng.random() < share else w for w in words]


def systems_of(rng, metric, n):
    """Three lists of items; the last system is the worst."""
    made = [[], [], []]
    for _ in range(n):
        if metric in ("bleu", "chrf"):
            wanted = [rng.choice(WORDS) for _ in range(rng.randrange(4, 12))]
            for s, share in enumerate((0.2, 0.3, 0.5)):
                made[s].append((" ".join(edited(rng, wanted, WORDS, share)),
                                " ".join(wanted)))
        elif metric == "span_f1":
            wanted = [rng.choice(TAGS) for _ in range(rng.randrange(3, 9))]
            for s, share in enumerate((0.1, 0.2, 0.4)):
                made[s].append((edited(rng, wanted, TAGS, share), wanted))
        elif metric == "validation_loss":
            tokens = rng.randrange(1, 40)
            for s, level in enumerate((1.1, 1.3, 1.6)):
                made[s].append((tokens * level * rng.uniform(0.5, 1.5), tokens))
        else:
            wanted = rng.randrange(4)
            for s, share in enumerate((0.2, 0.3, 0.5)):
                made[s].append((rng.randrange(5) if rng.random() < share
                                else wanted, wanted))
    return made


def difference(value, systems):
    values = [value(items) for items in systems]
    return float(np.mean([values[a] - values[b] for a, b in PAIRS]))


def bootstrap(value, systems):
    stream, values = Stream(SALT), []
    n = len(systems[0])
    for _ in range(DRAWS):
        seeds = [stream.below(len(PAIRS)) for _ in PAIRS]
        drawn = [stream.below(n) for _ in range(n)]
        of = [value([items[i] for i in drawn]) for items in systems]
        values.append(np.mean([of[PAIRS[s][0]] - of[PAIRS[s][1]]
                               for s in seeds]))
    low, high = np.percentile(values, [2.5, 97.5])
    return {"low": float(low), "high": float(high),
            "standard_error": float(np.std(values, ddof=1))}


def permutation(value, systems):
    """Exact: all items' sides, changed in both seeds at once."""
    n, as_far = len(systems[0]), 0
    observed = abs(difference(value, systems))
    for bits in range(1 << n):
        total = []
        for a, b in PAIRS:
            sides = [(a, b) if not bits >> i & 1 else (b, a) for i in range(n)]
            total.append(value([systems[x][i] for i, (x, _) in enumerate(sides)])
                         - value([systems[y][i] for i, (_, y)
                                  in enumerate(sides)]))
        as_far += abs(np.mean(total)) >= observed * (1 - 1e-9)
    return as_far / (1 << n)


def main():
    warnings.simplefilter("ignore")
    cases = []
    for metric, (value, kept) in METRICS.items():
        rng = random.Random("%d %s" % (SEED, metric))
        systems = systems_of(rng, metric, ITEMS)
        few = [items[:SWAPPED_ITEMS] for items in systems]
        cases.append({
            "metric": metric,
            "systems": [{"value": float(value(x)), **kept(x)} for x in systems],
            "difference": difference(value, systems),
            **bootstrap(value, systems),
            "few": [{"value": float(value(x)), **kept(x)} for x in few],
            "few_p": permutation(value, few)})
        print(metric, cases[-1]["difference"], cases[-1]["low"],
              cases[-1]["high"], cases[-1]["few_p"])
    made_by = {"script": "tests/golden/make_golden_bootstrap.py",
               **{n: version(n) for n in ("numpy", "sacrebleu", "seqeval",
                                          "scikit-learn")}, "seed": SEED}

    def dump(x):
        return json.dumps(x, ensure_ascii=True, separators=(",", ":"))
    path = pathlib.Path(__file__).with_name("bootstrap.json")
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s,\n"draws":%d,"salt":"%s","pairs":%s,\n"cases":[\n'
                % (dump(made_by), DRAWS, SALT, dump(PAIRS)))
        f.write(",\n".join(map(dump, cases)) + "\n]}\n")
    print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
