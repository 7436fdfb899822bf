#!/usr/bin/env python3
"""Writes sequence.json: matrices of scores of sequences of tasks, and what
follows from them with intervals, worked out from the scores of items.

  make_golden_sequence.py

Needs numpy, scipy. Independent of harness/analysis: scores are arrays
[seeds, items]; a measure is a weighted sum of these, its error that of a
two-way analysis of variance by task (DESIGN.md, Comparison), added over tasks.

Writes: sequence.json
"""
import json
import pathlib
from importlib.metadata import version

import numpy as np
from scipy import optimize, stats

SEED = 20261201
# unit, direction, metric of the weights
METRICS = {"accuracy": ("fraction", 1, None),
           "validation_loss": ("nats/token", -1, "validation_target_tokens"),
           "cross_entropy": ("nats/token", -1, "cross_entropy_tokens")}
# name, stages, metric by task (retained ones last), retained, seeds, joint
CASES = [
    ("accuracies", ["a", "b", "c"],
     {"a": "accuracy", "b": "accuracy", "c": "accuracy",
      "w": "cross_entropy"}, ["w"], 3, True),
    ("losses", ["a", "b"],
     {"a": "validation_loss", "b": "validation_loss", "q": "accuracy"}, ["q"],
     4, True),
    ("mixed directions", ["a", "b", "c"],
     {"a": "accuracy", "b": "validation_loss", "c": "accuracy"}, [], 3, True),
    ("mixed, the last alone", ["a", "b", "c"],
     {"a": "accuracy", "b": "accuracy", "c": "validation_loss"}, [], 3, False),
    ("replay", ["a", "b:0.8+a:0.2", "c:0.8+a:0.1+b:0.1"],
     {"a": "accuracy", "b": "accuracy", "c": "validation_loss"}, [], 3, False),
    ("replayed whole", ["a", "b", "a"], {"a": "accuracy", "b": "accuracy"}, [],
     3, False),
    ("one task", ["a"], {"a": "accuracy", "w": "cross_entropy"}, ["w"], 3,
     False),
    ("one seed", ["a", "b"], {"a": "accuracy", "b": "accuracy"}, [], 1, False),
]


def value(items, weights):
    return float(np.average(items, weights=weights))


def pseudo(items, weights):
    """Of each item: I times the value less I - 1 times that without it."""
    n = len(items)
    keep = ~np.eye(n, dtype=bool)
    return np.array([n * value(items, weights) -
                     (n - 1) * value(items[k], weights[k]) for k in keep])


def half_width(a, b, fa, fb, alpha):
    return np.sqrt(stats.t.isf(alpha / 2, fa) ** 2 * a +
                   (stats.t.isf(alpha / 2, fb) ** 2 * b if b > 0 else 0))


def error_of(groups, totals):
    """groups: [S, I] each. A of seeds, B of items, their freedoms."""
    s = len(totals)
    floors, b, freedoms = 0.0, 0.0, []
    for values in groups:
        i = values.shape[1]
        rest = (values - values.mean(1, keepdims=True) -
                values.mean(0, keepdims=True) + values.mean())
        rest_square = (rest ** 2).sum() / ((s - 1) * (i - 1))
        item_square = s * values.mean(0).var(ddof=1)
        floors += (stats.chi2.ppf(0.05, s - 1) / (s - 1) * rest_square /
                   (s * i))
        own = (item_square - rest_square) / (s * i)
        if own > 1e-18:
            b += own
            freedoms.append(i - 1)
        elif len(groups) == 1:
            freedoms.append(i - 1)
    a = max(np.var(totals, ddof=1) / s, floors)
    return a, b, s - 1, min(freedoms, default=1)


class Sequence:
    def __init__(self, rng, stages, metrics, retained, seeds, joint):
        self.stages, self.metrics = stages, metrics
        self.retained, self.seeds = retained, seeds
        self.own = {}
        for r, stage in enumerate(stages, 1):
            for part in stage.split("+"):
                self.own.setdefault(part.split(":")[0], r)
        self.tasks = list(self.own)
        self.weights, self.scores, self.joint = {}, {}, {}
        for task, metric in metrics.items():
            n = int(rng.integers(6, 13))
            self.weights[task] = (np.ones(n) if METRICS[metric][2] is None
                                  else rng.integers(1, 9, n).astype(float))
            taste = rng.uniform(0.2, 0.8, n)

            def draw(gain):
                if metric == "accuracy":
                    return (rng.uniform(size=n) < taste + gain).astype(float)
                return np.round(3 * taste - gain + 0.2 *
                                rng.standard_normal(n), 4)
            base = draw(0)
            if value(base, self.weights[task]) == 0:
                base[0] = 1.0
            for s in range(seeds):
                self.scores[task, s, 0] = base  # one base model for all
                for r in range(1, len(stages) + 1):
                    self.scores[task, s, r] = draw(rng.uniform(-0.1, 0.4))
                if joint:
                    self.joint[task, s] = draw(0.2)

    def R(self, s, r, task):
        return value(self.scores[task, s, r], self.weights[task])

    def best(self, s, task):
        sign = METRICS[self.metrics[task]][1]
        rounds = range(self.own[task], len(self.stages))
        return max(rounds, key=lambda r: (sign * self.R(s, r, task), -r))

    def measure(self, tasks, divisor, parts, normalised, is_absolute):
        """parts(s, task) -> scores added, scores taken off (or None)."""
        groups, totals = [], np.zeros(self.seeds)
        for task in tasks:
            sign = METRICS[self.metrics[task]][1]
            weights = self.weights[task]
            base = self.scores[task, 0, 0]
            scale = sign / divisor
            if is_absolute and not normalised:
                scale = 1 / divisor
            if normalised:
                scale /= abs(value(base, weights))
            rows = []
            for s in range(self.seeds):
                plus, minus = parts(s, task)
                if minus is None and normalised:
                    minus = base
                row = pseudo(plus, weights)
                total = value(plus, weights)
                if minus is not None:
                    row = row - pseudo(minus, weights)
                    total -= value(minus, weights)
                rows.append(scale * row)
                totals[s] += scale * total
            groups.append(np.array(rows))
        out = {"value": float(totals.mean()), "seeds": totals.tolist()}
        if self.seeds >= 3:
            a, b, fa, fb = error_of(groups, totals)
            half = half_width(a, b, fa, fb, 0.05)
            out["low"], out["high"] = out["value"] - half, out["value"] + half
            gap = lambda lp: (half_width(a, b, fa, fb, np.exp(lp)) -
                              abs(out["value"]))
            if out["value"] != 0 and gap(-1e-12) < 0:
                out["p"] = float(np.exp(optimize.brentq(gap, -300, 0)))
        return out

    def measures(self):
        last = len(self.stages)
        if last < 2:
            return []
        at = lambda s, r, t: self.scores[t, s, r]
        earlier = [t for t in self.tasks if self.own[t] < last]
        later = [t for t in self.tasks if self.own[t] > 1]
        every = len(self.tasks)
        rows = [
            ("overall_performance", "overall_change_normalised", self.tasks,
             None, lambda s, t: (at(s, last, t), None)),
            ("learning_accuracy", "learning_change_normalised", self.tasks,
             None, lambda s, t: (at(s, self.own[t], t), None)),
            ("backward_transfer", "backward_transfer_normalised", earlier,
             None, lambda s, t: (at(s, last, t), at(s, self.own[t], t))),
            ("backward_transfer_gem_code",
             "backward_transfer_gem_code_normalised", earlier, every,
             lambda s, t: (at(s, last, t), at(s, self.own[t], t))),
            ("forward_transfer", "forward_transfer_normalised", later, None,
             lambda s, t: (at(s, self.own[t] - 1, t), at(s, 0, t))),
            ("chaudhry_forgetting", "chaudhry_forgetting_normalised", earlier,
             None, lambda s, t: (at(s, self.best(s, t), t), at(s, last, t))),
        ]
        if self.joint:
            rows.append(("intransigence", "intransigence_normalised",
                         self.tasks, None,
                         lambda s, t: (self.joint[t, s],
                                       at(s, self.own[t], t))))
        out = []
        for plain, shares, tasks, divisor, parts in rows:
            if not tasks:
                continue
            alike = len({METRICS[self.metrics[t]][:2] for t in tasks}) == 1
            absolute = plain in ("overall_performance", "learning_accuracy")
            out.append({"name": plain if alike else shares, "task": "",
                        **self.measure(tasks, divisor or len(tasks), parts,
                                       not alike, absolute)})
            if alike or divisor:
                continue
            for t in tasks:
                out.append({"name": plain, "task": t,
                            **self.measure([t], 1, parts, False, absolute)})
        return out

    def to_json(self):
        rounds = range(len(self.stages) + 1)
        return {
            "train": self.stages, "retain": self.retained,
            "tasks": {t: {"metric": m, "unit": METRICS[m][0],
                          "higher_is_better": METRICS[m][1] == 1,
                          "weights_of": METRICS[m][2],
                          "weights": self.weights[t].tolist(),
                          "joint": [self.joint[t, s].tolist()
                                    for s in range(self.seeds)]
                          if self.joint else []}
                      for t, m in self.metrics.items()},
            "items": [[{t: self.scores[t, s, r].tolist()
                        for t in self.metrics} for r in rounds]
                      for s in range(self.seeds)],
            "R": [[[self.R(s, r, t) for t in self.metrics] for r in rounds]
                  for s in range(self.seeds)],
            "measures": self.measures()}


def main():
    rng = np.random.default_rng(SEED)
    cases = [{"name": name, **Sequence(rng, *rest).to_json()}
             for name, *rest in CASES]
    made_by = {"script": "tests/golden/make_golden_sequence.py", "seed": SEED,
               "numpy": version("numpy"), "scipy": version("scipy")}
    path = pathlib.Path(__file__).with_name("sequence.json")
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s,\n"cases":[\n' % json.dumps(made_by))
        f.write(",\n".join(json.dumps(c, separators=(",", ":"))
                           for c in cases) + "\n]}\n")
    for c in cases:
        print(c["name"], len(c["measures"]))


if __name__ == "__main__":
    main()
