#!/usr/bin/env python3
"""The peer of an encoder run: transformers trains the same checkpoint on the
same batches, at the same learning rates, and is scored on the same rows.

    sftbench batches RECORD > train.jsonl
    sftbench batches RECORD --rows test > test.jsonl
    encoder_peer.py MODEL_DIR RECORD train.jsonl test.jsonl

With the plain checkpoint the peer draws a head of its own; `sftbench export
UNTUNED_RECORD --merged` gives a MODEL_DIR that holds our draw, and the two
then agree but for rounding.

Prints accuracy (sequence heads) or seqeval's span F1 (token heads), ours out
of RECORD beside it. Needs torch, transformers, seqeval and h5py.
"""

import json
import sys

import h5py
import torch
from seqeval.metrics import f1_score
from transformers import (AutoModelForSequenceClassification,
                          AutoModelForTokenClassification)


def read_lines(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def padded(rows, whole_rows):
    """ids, mask, types [B, T] and labels ([B] of whole rows, else [B, T])."""
    width = max(len(row["input_ids"]) for row in rows)

    def grid(key, fill):
        return torch.tensor([
            row.get(key, [0] * len(row["input_ids"])) +
            [fill] * (width - len(row["input_ids"])) for row in rows
        ])

    mask = torch.tensor([[1] * len(row["input_ids"]) + [0] *
                         (width - len(row["input_ids"])) for row in rows])
    labels = (torch.tensor([row["labels"][0] for row in rows])
              if whole_rows else grid("labels", -100))
    return dict(input_ids=grid("input_ids", 0), attention_mask=mask,
                token_type_ids=grid("token_types", 0), labels=labels)


def config_of(record):
    lines = record.attrs["config"]
    lines = lines.decode() if isinstance(lines, bytes) else lines
    return dict(line.split(" = ", 1) for line in lines.splitlines() if line)


def main():
    model_dir, record_path, train_path, test_path = sys.argv[1:5]
    train, test = read_lines(train_path), read_lines(test_path)
    with h5py.File(record_path) as record:
        rates = record["train/learning_rate"][:]
        config = config_of(record)
        task = config["evaluate"].split(",")[0]
        metrics = record[f"eval/{task}/test/1/metrics"]
        ours = {name: float(metric["value"][()])
                for name, metric in metrics.items()}
    torch.manual_seed(int(config["seed"]))
    torch.set_num_threads(int(config["threads"]))
    whole_rows = all(
        label == -100 for row in train for label in row["labels"][1:])
    classes = 1 + max(
        label for row in train + test for label in row["labels"])
    loader = (AutoModelForSequenceClassification
              if whole_rows else AutoModelForTokenClassification)
    model = loader.from_pretrained(model_dir, num_labels=classes,
                                   hidden_dropout_prob=0.0,
                                   attention_probs_dropout_prob=0.0)
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1.0,
        betas=(float(config["beta1"]), float(config["beta2"])),
        eps=float(config["epsilon"]),
        weight_decay=float(config["weight_decay"]))
    steps = {}
    for row in train:
        steps.setdefault(row["step"], []).append(row)
    clip = float(config["max_grad_norm"])
    for number, rate in enumerate(rates, start=1):
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        loss = model(**padded(steps[number], whole_rows)).loss
        loss.backward()
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    right, names, predicted, wanted = 0, [], [], []
    for begin in range(0, len(test), 32):
        rows = test[begin:begin + 32]
        batch = padded(rows, whole_rows)
        labels = batch.pop("labels")
        with torch.no_grad():
            best = model(**batch).logits.argmax(-1)
        if whole_rows:
            right += int((best == labels).sum())
            continue
        for row, row_best in zip(rows, best.tolist()):
            at = [t for t, label in enumerate(row["labels"]) if label != -100]
            wanted.append([tag(row["labels"][t]) for t in at])
            predicted.append([tag(row_best[t]) for t in at])
    score = (right / len(test) if whole_rows
             else f1_score(wanted, predicted))
    print(json.dumps({"task": task, "seed": int(config["seed"]),
                      "steps": len(rates), "test_rows": len(test),
                      "peer": score, "ours": ours}))


def tag(label):
    """Class 0 is O; 2i+1 and 2i+2 begin and continue type i."""
    if label == 0:
        return "O"
    return ("B-" if label % 2 else "I-") + f"type{(label - 1) // 2}"


if __name__ == "__main__":
    main()
