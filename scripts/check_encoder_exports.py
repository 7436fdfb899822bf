#!/usr/bin/env python3
"""Checks what runs on encoders export against transformers and PEFT: of every
tiny family of tests/golden/encoders, full, HFT and LoRA.

  python scripts/check_encoder_exports.py --binary build/sftbench [FAMILY ...]

Needs torch, transformers, peft and safetensors. Trains a few steps on rows made
here (classes, several labels, a number), exports, and compares the logits of
`sftbench logits` with those of transformers (merged folders) and PEFT (adapters
on the base folder). Prints the largest difference; exits 1 above 1e-4, or where
a file lacks a tensor.
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers as tf
from safetensors.torch import load_file, save_file

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/encoders"
WORDS = 300  # of the tiny tokenizer
EMBEDDINGS = ("word_embeddings.weight", "tok_embeddings.weight")
TASKS = {"classification": ("label", lambda word: word),
         "multi_label": ("labels", lambda word: [word, "any"][:2]),
         "regression": ("value", lambda word: 1.5 if word == "fox" else -0.5)}


def make_base(family, folder):
    folder.mkdir()
    config = json.loads((GOLDEN / family / "config.json").read_text())
    config["vocab_size"] = WORDS
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(GOLDEN / "wordpiece.json", folder / "tokenizer.json")
    tensors = load_file(GOLDEN / family / "model.safetensors")
    torch.manual_seed(1)
    for name, tensor in tensors.items():
        if name.endswith(EMBEDDINGS):
            tensors[name] = 0.5 * torch.randn(WORDS, tensor.shape[1])
        else:
            tensors[name] = tensor.float()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def make_rows(task, path):
    column, answer = TASKS[task]
    random.seed(2)
    with open(path, "w") as out:
        for i in range(80):
            word = ("fox", "dog")[i % 2]
            fill = " ".join(random.choices(
                ["river", "story", "days", "old", "quick"], k=4))
            out.write(json.dumps({"text": f"the {word} {fill} {i}",
                                  column: answer(word)}) + "\n")


def sftbench(binary, *words, **options):
    done = subprocess.run([binary, *map(str, words)], text=True,
                          capture_output=True, **options)
    if done.returncode != 0:
        sys.exit(f"sftbench {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def difference(binary, ids, theirs, *words):
    out = sftbench(binary, "logits", *words, input=" ".join(map(str, ids)))
    ours = torch.tensor([[float(x) for x in line.split()]
                         for line in out.splitlines()])
    with torch.no_grad():
        logits = theirs.eval()(torch.tensor([ids])).logits
    return (ours - logits).abs().max().item()


def load(folder, **options):
    model, info = tf.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True, **options)
    return model, info


def check(binary, family, task, root):
    base = root / "base"
    if not base.exists():
        make_base(family, base)
    make_rows(task, root / f"{task}.jsonl")
    spec = root / f"{task}.yaml"
    spec.write_text(f"""model: {base}
data: {{name: rows, path: {root}/{task}.jsonl, task: {task},
  split: [0.7, 0.15, 0.15]}}
train: [rows]
evaluate: {{tasks: [rows]}}
budget: {{steps: 12}}
set: {{batch_size: 8, max_length: 32, threads: 1, learning_rate: 2.0e-3}}
cases:
  - when: {{method: lora}}
    set: {{lora.rank: 2}}
grid: {{method: [full, hft, lora]}}
""")
    out = root / f"out-{task}"
    sftbench(binary, "run", spec, "--out", out, "--keep-weights", "all")
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(4, WORDS, (17,), generator=generator).tolist()
    worst = 0.0
    for weights in sorted((out / "weights").iterdir()):
        record = out / "runs" / f"{weights.name}.h5"
        to = root / f"export-{task}-{weights.name}"
        sftbench(binary, "export", record, "--merged", "--out", to)
        model, info = load(to)
        if info["missing_keys"] or info["unexpected_keys"]:
            sys.exit(f"{family} {task}: {info}")
        worst = max(worst, difference(binary, ids, model, to))
        adapter = root / f"adapter-{task}-{weights.name}"
        done = subprocess.run([binary, "export", record, "--adapter", "--out",
                               str(adapter)], capture_output=True, text=True)
        if done.returncode != 0:
            continue  # a method without one
        from peft import PeftModel
        outputs = {"num_labels": model.config.num_labels}
        with_adapter = PeftModel.from_pretrained(load(base, **outputs)[0],
                                                 adapter)
        worst = max(worst, difference(binary, ids, with_adapter, base,
                                      "--adapter", adapter))
        print(f"{family} {task}: adapter of {weights.name} loads in PEFT")
    print(f"{family} {task}: largest difference of logits {worst:.3g}",
          flush=True)
    return worst < 1e-4


def main():
    tf.logging.set_verbosity_error()
    ap = argparse.ArgumentParser()
    ap.add_argument("--binary", default="build/sftbench")
    ap.add_argument("families", nargs="*")
    a = ap.parse_args()
    families = a.families or sorted(
        f.parent.name for f in GOLDEN.glob("*/golden.json"))
    good = True
    for family in families:
        with tempfile.TemporaryDirectory() as folder:
            for task in TASKS:
                good &= check(a.binary, family, task, pathlib.Path(folder))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
