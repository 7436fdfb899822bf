#!/usr/bin/env python3
"""The matrix of scores of a recorded sequence of tasks, by PyTorch and PEFT.

  compare_sequence.py --record FILE.h5 --model DIR [--adapter DIR]

Trains transformers' model on the batches that the record's run read (sftbench
batches), in order, an AdamW a round, and scores the given answers after every
round (sftbench batches --rows answers) by their likelihood. Twice: on one
thread with plain attention, and on two with the fused one. Our R may differ
from either by what these two differ by and one item a task, and the program
ends with 1 if it differs by more.

DIR of --model is the untouched model as a Hugging Face folder. --adapter names
the adapter that training begins with, as a PEFT folder: of a run of the same
spec and seed at learning_rate 0, exported. Without it every weight trains.

Needs torch, transformers, peft, h5py. Writes no file.
"""
import argparse
import collections
import itertools
import json
import os
import subprocess

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import h5py
import numpy as np
import torch
import transformers


def config_of(record):
    with h5py.File(record, "r") as f:
        text = f.attrs["config"]
        sets = [s.decode() for s in f["/sequence/sets"][()]]
        scores = f["/sequence/scores"][()]
    fields = dict(line.split(" = ", 1) for line in text.splitlines() if line)
    return fields, [s.rsplit(" ", 1) for s in sets], scores


def lines_of(sftbench, record, rows):
    out = subprocess.run([sftbench, "batches", record, "--rows", rows],
                         check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def padded(rows):
    length = max(len(row["input_ids"]) for row in rows)

    def fill(name, value):
        return torch.tensor([row[name] + [value] * (length - len(row[name]))
                             for row in rows])
    mask = torch.tensor([[1] * len(row["input_ids"]) +
                         [0] * (length - len(row["input_ids"]))
                         for row in rows])
    return fill("input_ids", 0), fill("labels", -100), mask


def scheduler_of(fields, optimizer, steps):
    warmup = int(np.ceil(float(fields["warmup_ratio"]) * steps))
    name = {"constant": "constant_with_warmup"}.get(fields["schedule"],
                                                    fields["schedule"])
    return transformers.get_scheduler(name, optimizer, warmup, steps)


def train_round(model, fields, lines):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=float(fields["learning_rate"]),
        betas=(float(fields["beta1"]), float(fields["beta2"])),
        eps=float(fields["epsilon"]),
        weight_decay=float(fields["weight_decay"]))
    steps = [list(rows) for _, rows in
             itertools.groupby(lines, key=lambda row: row["step"])]
    scheduler = scheduler_of(fields, optimizer, len(steps))
    clip = float(fields["max_grad_norm"])
    model.train()
    for rows in steps:
        targets = sum(label != -100 for row in rows
                      for label in row["labels"][1:])
        for _, micro in itertools.groupby(rows,
                                          key=lambda r: r["micro_batch"]):
            ids, labels, mask = padded(list(micro))
            logits = model(input_ids=ids, attention_mask=mask).logits
            loss = torch.nn.functional.cross_entropy(
                logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten(),
                ignore_index=-100, reduction="sum")
            (loss / targets).backward()
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(trained, clip)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()


@torch.no_grad()
def accuracies(model, answers):
    """Share of rows whose right answer is the likeliest, by task."""
    model.eval()
    right = collections.defaultdict(list)
    for row in answers:
        sums = []
        for prompt, answer in zip(row["prompts"], row["answers"]):
            ids = torch.tensor([prompt + answer])
            # The logits that tell the answer's tokens, and no others.
            logits = model(input_ids=ids,
                           logits_to_keep=len(answer) + 1).logits[0, :-1]
            log_p = torch.log_softmax(logits.double(), -1)
            sums.append(log_p.gather(1, torch.tensor(answer)[:, None])
                        .sum().item())
        right[row["task"]].append(int(np.argmax(sums)) == row["reference"])
    return {task: np.mean(items) for task, items in right.items()}


def run(args, fields, rounds, answers, threads, attention):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        args.model, dtype=torch.float32, attn_implementation=attention)
    if args.adapter:
        import peft
        model = peft.PeftModel.from_pretrained(model, args.adapter,
                                               is_trainable=True)
    rows = [accuracies(model, answers)]
    for lines in rounds:
        train_round(model, fields, lines)
        rows.append(accuracies(model, answers))
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--adapter", default="")
    parser.add_argument("--sftbench", default="build/sftbench")
    args = parser.parse_args()
    fields, sets, ours = config_of(args.record)
    lines = lines_of(args.sftbench, args.record, "train")
    rounds = [[line for line in lines if line["round"] == r]
              for r in range(ours.shape[0] - 1)]
    answers = lines_of(args.sftbench, args.record, "answers")
    counts = collections.Counter(row["task"] for row in answers)
    plain = run(args, fields, rounds, answers, 1, "eager")
    fused = run(args, fields, rounds, answers, 2, "sdpa")
    failed = 0
    print("round\ttask\tours\tplain\tfused\tallowed")
    for j, (task, metric) in enumerate(sets):
        if metric != "accuracy" or task not in counts:
            continue
        # Of the whole column: two runs drift apart by chance here or there.
        apart = max(abs(a[task] - b[task]) for a, b in zip(plain, fused))
        allowed = apart + 1 / counts[task] + 1e-12
        for r in range(ours.shape[0]):
            gap = min(abs(ours[r, j] - plain[r][task]),
                      abs(ours[r, j] - fused[r][task]))
            failed += gap > allowed
            print(f"{r}\t{task}\t{ours[r, j]:.4f}\t{plain[r][task]:.4f}\t"
                  f"{fused[r][task]:.4f}\t{allowed:.4f}"
                  f"{'  TOO FAR' if gap > allowed else ''}")
    print("differs" if failed else "agrees")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
