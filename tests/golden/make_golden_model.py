#!/usr/bin/env python3
"""Golden files of harness/model, made with other people's libraries.

  python make_golden_model.py --smollm2 FOLDER --glassllm FOLDER

FOLDER: the model as a Hugging Face folder (SmolLM2: the package's GGUF,
de-quantized). Needs numpy, gguf, torch, transformers. Writes beside itself:
  model_dequant.json     blocks of every storage type and the package gguf's values
  smollm2_logits.json    logits of the default model, three prompts, f32
  smollm2_greedy.json    greedy continuations of them
  glassllm_gradients.json loss and gradient norms of one batch, f32

Writes: model_dequant.json smollm2_logits.json smollm2_greedy.json
  glassllm_gradients.json
"""
import argparse
import json
import pathlib

import gguf
import numpy as np
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261124
# An English paragraph, code and a chat of the default model.
PROMPTS = [
    [504, 33059, 9318, 418, 260, 1869, 1112, 282, 260, 28899, 4923, 28,
     837, 260, 3426, 10764, 1523, 260, 8989, 511, 4339, 30, 5081, 9053,
     260, 40061, 30324, 260, 3822, 284, 11314, 3301, 28, 27723, 260,
     5420, 429, 260, 4433, 28, 284, 1150, 260, 17559, 30, 44866, 338,
     761, 14997, 260, 5065, 327, 3737, 4642, 1731, 260],
    [1604, 3987, 46477, 24, 94, 727, 472, 585, 304, 2067, 216, 34, 42,
     448, 1003, 304, 472, 1003, 3987, 46477, 24, 94, 731, 216, 33, 25,
     1232, 3987, 46477, 24, 94, 731, 216, 34, 25, 198],
    [1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308,
     34519, 28, 7018, 411, 407, 19712, 8182, 2, 198, 1, 4093, 198, 1780,
     314, 260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531, 198],
]


def made_by():
    return {
        "script": "tests/golden/make_golden_model.py",
        "numpy": np.__version__,
        "gguf": __import__("importlib.metadata").metadata.version("gguf"),
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "seed": SEED,
    }


def write(name, content):
    text = json.dumps({"made_by": made_by(), **content}, separators=(",", ":"))
    (HERE / name).write_text(text + "\n")
    print(name, len(text), "bytes")


def dequant():
    rng = np.random.default_rng(SEED)
    types = gguf.GGMLQuantizationType
    rows = {}
    for name in ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1"]:
        values = rng.standard_normal((4, 64)).astype(np.float32)
        values[0] *= 1e-6  # subnormal scales
        values[1] *= 300.0
        values[2, :32] = 0.0
        data = gguf.quants.quantize(values, types[name])
        back = gguf.quants.dequantize(data, types[name]).astype(np.float32)
        rows[name.lower()] = {
            "id": int(types[name]),
            "bytes": np.ascontiguousarray(data).tobytes().hex(),
            "values": [int(v) for v in back.reshape(-1).view(np.uint32)],
        }
    write("model_dequant.json", {"types": rows})


def load(folder):
    torch.set_num_threads(1)
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa").eval()


def smollm2(folder, prompts):
    model = load(folder)
    rows, answers = [], []
    for ids in prompts:
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
            answer = model.generate(torch.tensor([ids]), max_new_tokens=24,
                                    do_sample=False)[0, len(ids):]
        wide = logits.double()
        rows.append({
            "ids": ids,
            "argmax": logits.argmax(-1).tolist(),
            "logsumexp": wide.logsumexp(-1).tolist(),
            "sum": wide.sum(-1).tolist(),
            "first16": logits[:, :16].tolist(),
        })
        answers.append({"ids": ids, "answer": answer.tolist()})
    write("smollm2_logits.json", {"prompts": rows})
    write("smollm2_greedy.json", {"prompts": answers})


def glassllm(folder):
    model = load(folder)
    rng = np.random.default_rng(SEED)
    rows = []
    for length in (23, 9, 16):
        ids = rng.integers(4, 1024, length).tolist()
        labels = [-100] * (length // 2) + ids[length // 2:]
        rows.append({"ids": ids, "labels": labels})
    loss = 0.0
    for row in rows:
        logits = model(torch.tensor([row["ids"]])).logits[0]
        loss = loss + torch.nn.functional.cross_entropy(
            logits[:-1], torch.tensor(row["labels"][1:]), reduction="sum")
    loss.backward()
    norms = {name: p.grad.double().norm().item()
             for name, p in model.named_parameters()}
    probe = {name: p.grad.reshape(-1)[:8].tolist()
             for name, p in model.named_parameters()}
    write("glassllm_gradients.json", {
        "rows": rows, "loss_sum": loss.item(), "gradient_norms": norms,
        "gradient_first8": probe})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smollm2")
    parser.add_argument("--glassllm")
    args = parser.parse_args()
    dequant()
    if args.smollm2:
        smollm2(args.smollm2, PROMPTS)
    if args.glassllm:
        glassllm(args.glassllm)


if __name__ == "__main__":
    main()
