#!/usr/bin/env python3
"""Correlations by SciPy and metrics of several labels by scikit-learn, over
made-up numbers and labels, and the losses and gradients of transformers' heads
of such tasks.

  python make_golden_values.py

Needs numpy, scipy, scikit-learn, torch, transformers, safetensors and the
checkpoints of make_golden_encoders.py.

Writes: values.json encoders/{problems.json,problems.safetensors}
"""
import json
import pathlib
import warnings

import numpy as np
import scipy
import scipy.stats
import sklearn
import sklearn.metrics as skm
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

import make_golden_encoders as encoders

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261201
PROBLEMS = {"labels": ("multi_label_classification", 4),
            "value": ("regression", 1)}


def made_by():
    return {"script": "tests/golden/make_golden_values.py",
            "numpy": np.__version__, "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
            "torch": torch.__version__.split("+")[0],
            "transformers": tf.__version__, "seed": SEED}


def number_cases(rng):
    cases = []
    for i in range(200):
        n = int(rng.integers(2, 14))
        y = rng.normal(2.5, 1.5, n)
        x = y * rng.normal() + rng.normal(0, 1, n)
        if i % 3 == 0:  # ties
            x, y = np.round(x), np.round(y * 2) / 2
        if i % 7 == 0:  # far from nought, close together
            x, y = x * 1e-3 + 1e4, y * 1e-3 + 1e4
        x, y = np.round(x, 6), np.round(y, 6)
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        cases.append({
            "x": x.tolist(), "y": y.tolist(),
            "pearson": float(scipy.stats.pearsonr(x, y).statistic),
            "spearman": float(scipy.stats.spearmanr(x, y).statistic),
            "mse": float(skm.mean_squared_error(y, x))})
    return cases


def label_cases(rng):
    cases = []
    for i in range(200):
        n, c = int(rng.integers(1, 9)), int(rng.integers(2, 6))
        wanted = (rng.random((n, c)) < 0.4).astype(int)
        scores = np.round(rng.normal(0, 1, (n, c)), 1 if i % 2 else 3)
        said = (scores > 0).astype(int)
        f1 = lambda average: float(skm.f1_score(
            wanted, said, average=average, zero_division=0))
        # Of a label that no item has scikit-learn 1 says 0, with a warning.
        average = float(skm.average_precision_score(
            wanted, scores, average="macro"))
        cases.append({
            "scores": scores.tolist(), "wanted": wanted.tolist(),
            "labels_f1_micro": f1("micro"), "labels_f1_macro": f1("macro"),
            "subset_accuracy": float(skm.accuracy_score(wanted, said)),
            "mean_average_precision": average})
    return cases


def problem_cases():
    """Every row by itself, so that no family's pads matter; and the tensors of
    the heads, by case."""
    out, heads = [], {}
    for family in ("bert", "deberta-v2", "modernbert"):
        for name, (problem, outputs) in PROBLEMS.items():
            folder = encoders.OUT / family
            config = tf.AutoConfig.from_pretrained(
                folder, num_labels=outputs, problem_type=problem)
            config._attn_implementation = "eager"
            torch.manual_seed(SEED)
            model = tf.AutoModelForSequenceClassification.from_config(config)
            model.eval()
            encoders.draw(model)
            base = getattr(model, model.base_model_prefix)
            base.load_state_dict(load_file(folder / "model.safetensors"),
                                 strict=False)
            model = model.double()
            rng = np.random.default_rng(SEED)
            rows, loss = [], 0
            for length in (9, 5, 14):
                ids = rng.integers(3, encoders.VOCABULARY, length).tolist()
                values = ((rng.random(outputs) < 0.5).astype(float)
                          if name == "labels" else rng.normal(2, 1, 1)).tolist()
                result = model(input_ids=torch.tensor([ids]),
                               labels=torch.tensor([values], dtype=torch.float64))
                loss = loss + result.loss / 3
                rows.append({"ids": ids, "values": values,
                             "logits": result.logits[0].tolist()})
            loss.backward()
            for k, p in model.named_parameters():
                if k.startswith(model.base_model_prefix + "."):
                    continue
                heads[f"{len(out)}.{k}"] = p.detach().bfloat16()
            out.append({"family": family, "problem": problem, "rows": rows,
                        "loss": loss.item(),
                        "gradients": {
                            k: encoders.gradient_facts(p.grad)
                            for k, p in model.named_parameters()}})
    return out, heads


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rng = np.random.default_rng(SEED)
    encoders.dump(HERE / "values.json", {
        "made_by": made_by(), "numbers": number_cases(rng),
        "labels": label_cases(rng)})
    encoders.widen()
    cases, heads = problem_cases()
    encoders.dump(encoders.OUT / "problems.json",
                  {"made_by": made_by(), "cases": cases})
    save_file(heads, encoders.OUT / "problems.safetensors")


if __name__ == "__main__":
    main()
