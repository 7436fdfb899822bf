#!/usr/bin/env python3
"""Writes forgetting.json: sequences of tasks and their transfer and forgetting.

  make_golden_forgetting.py

Independent of harness/metrics/forgetting.cc: worked out from the definitions, task
by task, over scores as they are measured (losses not negated). Plain Python,
made-up numbers.

Writes: forgetting.json
"""
import json
import pathlib
import random

SEED = 20261130
UNITS = {"accuracy": ("fraction", 1), "validation_loss": ("nats/token", -1),
         "bleu": ("percent", 1), "cross_entropy": ("nats/token", -1)}
# name, stages, metric of each data set
CASES = [
    ("accuracy then loss", ["a", "b"], {"a": "accuracy",
                                        "b": "validation_loss"}),
    ("loss then accuracy", ["a", "b"], {"a": "validation_loss",
                                        "b": "accuracy"}),
    ("mixed, three", ["a", "b", "c"], {"a": "accuracy", "b": "validation_loss",
                                       "c": "accuracy"}),
    ("mixed, last of another", ["a", "b", "c"],
     {"a": "accuracy", "b": "accuracy", "c": "cross_entropy"}),
    ("losses", ["a", "b", "c"], dict.fromkeys("abc", "validation_loss")),
    ("accuracies", ["a", "b", "c", "d"], dict.fromkeys("abcd", "accuracy")),
    ("scales", ["a", "b", "c"], {"a": "accuracy", "b": "bleu", "c": "bleu"}),
    ("one", ["a"], {"a": "accuracy"}),
    ("replayed whole", ["a", "b", "a"], {"a": "accuracy", "b": "accuracy"}),
    ("replayed in part", ["a", "b:0.8+a:0.2", "c:0.8+a:0.1+b:0.1"],
     {"a": "accuracy", "b": "accuracy", "c": "validation_loss"}),
    ("mixed from the start", ["a+b", "c"],
     {"a": "accuracy", "b": "accuracy", "c": "accuracy"}),
]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def measures(stages, metrics, base, rounds):
    """base[task], rounds[r][task] as measured; r from 0."""
    own = {}
    for r, stage in enumerate(stages):
        for part in stage.split("+"):
            own.setdefault(part.split(":")[0], r)
    if len(stages) < 2:
        return {}
    last = len(stages) - 1
    tasks = list(own)

    def better(task, after, before):
        """How much better `after` is, in the task's own direction."""
        return (after - before) * UNITS[metrics[task]][1]

    def over(chosen, plain, normalised, value):
        """value(task, scale, shift) averaged, or of changes in shares."""
        if not chosen:
            return {}
        if len({UNITS[metrics[t]][0] for t in chosen}) == 1:
            return {plain: mean(value(t, 1, 0) for t in chosen)}
        if any(base[t] == 0 for t in chosen):
            return {}
        return {normalised: mean(value(t, abs(base[t]), base[t])
                                 for t in chosen)}

    earlier = [t for t in tasks if own[t] < last]
    later = [t for t in tasks if own[t] > 0]
    out = {}
    out.update(over(tasks, "overall_performance", "overall_change_normalised",
                    lambda t, s, b: better(t, rounds[last][t], b) / s))
    out.update(over(tasks, "learning_accuracy", "learning_change_normalised",
                    lambda t, s, b: better(t, rounds[own[t]][t], b) / s))
    out.update(over(earlier, "backward_transfer",
                    "backward_transfer_normalised",
                    lambda t, s, _: better(t, rounds[last][t],
                                           rounds[own[t]][t]) / s))
    out.update(over(earlier, "chaudhry_forgetting",
                    "chaudhry_forgetting_normalised",
                    lambda t, s, _: max(better(t, rounds[r][t],
                                               rounds[last][t])
                                        for r in range(own[t], last)) / s))
    out.update(over(later, "forward_transfer", "forward_transfer_normalised",
                    lambda t, s, _: better(t, rounds[own[t] - 1][t],
                                           base[t]) / s))
    for end in ("", "_normalised"):
        if "backward_transfer" + end in out:
            out["backward_transfer_gem_code" + end] = (
                out["backward_transfer" + end] * len(earlier) / len(tasks))
    for t in earlier:
        out["backward_transfer_of_" + t] = better(t, rounds[last][t],
                                                  rounds[own[t]][t])
    return {"sequence/" + name: value for name, value in out.items()}


def main():
    rng = random.Random(SEED)
    cases = []
    for name, stages, metrics in CASES:
        scale = {"fraction": 1, "percent": 100, "nats/token": 4}
        draw = lambda: {t: round(rng.uniform(0.1, 1) *
                                 scale[UNITS[m][0]], 4)
                        for t, m in metrics.items()}
        base, rounds = draw(), [draw() for _ in stages]
        if name == "accuracy then loss":  # the case that was wrong: BWT -0.15
            rounds[0]["a"], rounds[1]["a"] = 0.35, 0.20
        cases.append({"name": name, "train": stages,
                      "metrics": {t: [m, *UNITS[m]] for t, m in
                                  metrics.items()},
                      "base": base, "rounds": rounds,
                      "measures": measures(stages, metrics, base, rounds)})
    made_by = {"script": "tests/golden/make_golden_forgetting.py", "seed": SEED}
    path = pathlib.Path(__file__).with_name("forgetting.json")
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s,\n"cases":[\n' % json.dumps(made_by))
        f.write(",\n".join(json.dumps(c, separators=(",", ":"))
                           for c in cases) + "\n]}\n")
    print(cases[0]["measures"])


if __name__ == "__main__":
    main()
