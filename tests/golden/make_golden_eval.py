"""Writes eval_f1.json: accuracy and macro F1 by scikit-learn.

Run with an interpreter that has scikit-learn and NumPy:
    python make_golden_eval.py

Writes: eval_f1.json
"""
import json
import pathlib
import random
import warnings

import sklearn
from sklearn.metrics import accuracy_score, f1_score

SEED = 20240404


def case(name, references, predictions):
    return {
        "name": name,
        "references": references,
        "predictions": predictions,
        "accuracy": float(accuracy_score(references, predictions)),
        "f1_macro": float(f1_score(references, predictions, average="macro",
                                   zero_division=0)),
    }


def main():
    warnings.simplefilter("ignore")
    rng = random.Random(SEED)
    cases = [
        case("all right", [0, 1, 0, 1], [0, 1, 0, 1]),
        case("all wrong", [0, 1, 0, 1], [1, 0, 1, 0]),
        case("one label predicted", [0, 1, 0, 1, 1], [1, 1, 1, 1, 1]),
        case("a label only predicted", [0, 0, 1], [0, 2, 1]),
        case("a label nowhere", [0, 3, 3], [0, 3, 0]),
        case("one item", [1], [0]),
    ]
    for labels, items in [(2, 400), (5, 500), (20, 60)]:
        references = [rng.randrange(labels) for _ in range(items)]
        predictions = [r if rng.random() < 0.7 else rng.randrange(labels)
                       for r in references]
        cases.append(case(f"{labels} labels, {items} items", references,
                          predictions))
    out = {
        "made_by": "make_golden_eval.py",
        "versions": {"scikit-learn": sklearn.__version__},
        "seed": SEED,
        "cases": cases,
    }
    path = pathlib.Path(__file__).with_name("eval_f1.json")
    path.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
