#!/usr/bin/env python3
"""20 steps of full fine-tuning, LoRA, a half mask and QLoRA, by others.

  make_golden_trajectory.py --model DIR

Writes: train_trajectory.json

DIR is a Hugging Face folder of SmolLM2-135M-Instruct in f32 (the GGUF of
scripts/assets.tsv, de-quantized). Versions used: torch 2.11.0, transformers
5.24.0, peft 0.21.2, bitsandbytes 0.50.2; one thread, f32. Seed 0 draws the half
mask; adapters begin with values of a counter (causal_steps.py).

qlora_trajectory.json (make_golden_methods.py) and bf16_heldout.json
(make_golden_bf16.py) take rows, rates and masks out of this file: renew them
behind it.
"""
import argparse
import json
import os
import random

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from causal_steps import TARGETS, add_adapters, load_nf4, trajectory

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 0
RATES = {"full": 2e-5, "lora": 2e-4, "hft": 2e-5, "qlora": 2e-4}
DOC = ("Loss trajectories in f32 on one thread. 24 short question/answer rows "
       "written for this file, 4 a step in file order, cycling, right-padded "
       "to the longest row of the batch, loss = mean over the answer tokens of "
       "the batch, AdamW(0.9, 0.999, eps 1e-8, weight decay 0.01 on every "
       "trained tensor), constant lr, gradient norm clipped at 1.0 (torch: "
       "scale = min(1, 1 / (norm + 1e-6))), no dropout.")
LORA_INIT = ("A[r][c] = float32((2u-1)/sqrt(in)), u = (splitmix64(idx * 2^32 + "
             "r*in + c) >> 11) * 2^-53, idx = layer*7 + place in "
             "q,k,v,o,gate,up,down; B = 0.")
# The last four are held out.
CHATS = [
    ("What is the capital of France?", "The capital of France is Paris."),
    ("Name three primary colours.", "Red, yellow and blue."),
    ("What is 7 times 8?", "7 times 8 is 56."),
    ("Write a short poem about rain.",
     "Rain on the roof,\nsoft and slow,\nit sings the garden\nwhat to grow."),
    ("Translate to Spanish: good morning", "Buenos d\u00edas"),
    ("Which planet is the largest?",
     "Jupiter is the largest planet in the Solar System."),
    ("Give a synonym for 'quick'.", "fast"),
    ("Sort these numbers: 9, 2, 5", "2, 5, 9"),
    ("Who wrote Hamlet?", "William Shakespeare wrote Hamlet around 1600."),
    ("How many legs does a spider have?", "Eight."),
    ("Write a Python function that adds two numbers.",
     "```python\ndef add(a, b):\n    return a + b\n```"),
    ("Is the sentence positive or negative? I loved this film.", "positive"),
    ("Is the sentence positive or negative? The soup was cold and sad.",
     "negative"),
    ("What gas do plants take in?", "Plants take in carbon dioxide."),
    ("Summarise: The match was delayed by snow and ended in a draw.",
     "A snow-delayed match ended in a draw."),
    ("Complete: The opposite of hot is", "cold."),
    ("Convert 3 km to metres.", "3 km is 3000 metres."),
    ("What is the freezing point of water in Celsius?", "0 degrees Celsius."),
    ("List two mammals that live in the sea.", "Whales and dolphins."),
    ("Spell 'necessary' backwards.", "yrassecen"),
    ("What does CPU stand for?", "Central processing unit."),
    ("Rewrite politely: Give me the book.",
     "Could you please give me the book?"),
    ("What day comes after Friday?", "Saturday."),
    ("Explain gravity to a child in one sentence.",
     "Gravity is the gentle pull that brings a ball you throw back down to the "
     "ground."),
]


def make_rows(folder):
    """The chat template's ids; the loss falls on what follows the prompt."""
    from transformers import AutoTokenizer
    tok = AutoTokenizer.from_pretrained(folder)

    def encode(turns, ask):
        text = tok.apply_chat_template(turns, tokenize=False,
                                       add_generation_prompt=ask)
        return tok(text, add_special_tokens=False).input_ids

    rows = []
    for question, answer in CHATS:
        asked = [{"role": "user", "content": question}]
        prompt = encode(asked, True)
        ids = encode(asked + [{"role": "assistant", "content": answer}], False)
        assert ids[:len(prompt)] == prompt, question
        rows.append({"input_ids": ids,
                     "labels": [-100] * len(prompt) + ids[len(prompt):]})
    return rows


def half_mask(layers):
    """In every block two of q, k, v, o and one of the two norms; of the three
    maps of the feed-forward net two in half of the blocks, and one in the
    others (Half Fine-Tuning, arXiv 2404.18466)."""
    rng = random.Random(SEED)
    two = set(rng.sample(range(layers), layers // 2))
    names = set()
    for i in range(layers):
        block = f"model.layers.{i}."
        for name in rng.sample(TARGETS[:4], 2):
            names.add(f"{block}self_attn.{name}.weight")
        for name in rng.sample(TARGETS[4:], 2 if i in two else 1):
            names.add(f"{block}mlp.{name}.weight")
        norm = rng.choice(["input_layernorm", "post_attention_layernorm"])
        names.add(f"{block}{norm}.weight")
    return names


def load(folder, quantized):
    if quantized:
        return load_nf4(folder)
    from transformers import AutoModelForCausalLM
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def run(method, folder, rows):
    model = load(folder, method == "qlora")
    mask = half_mask(model.config.num_hidden_layers)
    if method == "hft":
        for name, p in model.named_parameters():
            p.requires_grad_(name in mask or ".layers." not in name)
    if method in ("lora", "qlora"):
        model = add_adapters(model)
    out = {"lr": RATES[method],
           "trainable_params": sum(p.numel() for p in model.parameters()
                                   if p.requires_grad),
           **trajectory(model, rows, RATES[method], method)}
    if method == "hft":
        out["trainable"] = sorted(mask)
    if method in ("lora", "qlora"):
        out["lora"] = {"r": 16, "alpha": 32, "scale": 2.0, "targets": TARGETS}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    args = parser.parse_args()
    from importlib.metadata import version
    made_by = {"script": "tests/golden/make_golden_trajectory.py", "seed": SEED,
               **{name: version(name) for name in (
                   "torch", "transformers", "peft", "bitsandbytes")}}
    rows = make_rows(args.model)
    runs = {method: run(method, args.model, rows) for method in RATES}
    path = os.path.join(HERE, "train_trajectory.json")
    with open(path, "w", encoding="ascii") as f:
        f.write('{\n"made_by": %s,\n' % json.dumps(made_by))
        for key, text in (
                ("doc", DOC), ("lora_init", LORA_INIT),
                ("train_rows", "rows 0..19, step s takes rows 4*(s%5) .. "
                               "4*(s%5)+3"),
                ("heldout_rows", "rows 20..23 as one batch")):
            f.write('"%s": %s,\n' % (key, json.dumps(text)))
        f.write('"rows": [\n' + ",\n".join(map(json.dumps, rows)) + "\n],\n")
        f.write('"runs": {\n' + ",\n".join(
            '"%s": %s' % (name, json.dumps(value))
            for name, value in runs.items()) + "\n}\n}\n")
    print(path, os.path.getsize(path))


if __name__ == "__main__":
    main()
