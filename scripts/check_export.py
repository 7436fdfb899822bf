"""Checks exported folders against transformers and PEFT, logits by logits.

  python scripts/check_export.py --binary build/sftbench --base BASE_FOLDER \
      [--merged DIR] [--adapter DIR]

Needs torch, transformers and peft. BASE_FOLDER is the base model as a Hugging
Face folder. Prints the largest absolute difference of logits relative to
their spread; exits 1 above 1e-4.
"""
import argparse
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = ["Headline: Robotic pods take on car design\nTopic:",
         "The lighthouse stood at the far end of the harbour wall."]


def ours(binary, model, ids, adapter=None):
    words = [binary, "logits", model] + (
        ["--adapter", adapter] if adapter else [])
    out = subprocess.run(words, input=" ".join(map(str, ids)), text=True,
                         capture_output=True, check=True).stdout
    return torch.tensor([[float(x) for x in line.split()]
                         for line in out.splitlines()])


def check(name, model, binary, folder, tokenizer, adapter=None):
    worst = 0.0
    for text in TEXTS:
        ids = tokenizer(text).input_ids
        with torch.no_grad():
            theirs = model(torch.tensor([ids])).logits[0].float()
        mine = ours(binary, folder, ids, adapter)
        worst = max(worst, ((mine - theirs).norm() / theirs.norm()).item())
    print(f"{name}: relative error of logits {worst:.3g}")
    return worst < 1e-4


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--binary", default="build/sftbench")
    ap.add_argument("--base", required=True)
    ap.add_argument("--merged")
    ap.add_argument("--adapter")
    a = ap.parse_args()
    good = True
    if a.merged:
        model = AutoModelForCausalLM.from_pretrained(a.merged,
                                                     dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(a.merged)
        good &= check("merged", model.eval(), a.binary, a.merged, tokenizer)
    if a.adapter:
        from peft import PeftModel
        base = AutoModelForCausalLM.from_pretrained(a.base,
                                                    dtype=torch.float32)
        model = PeftModel.from_pretrained(base, a.adapter).eval()
        tokenizer = AutoTokenizer.from_pretrained(a.base)
        good &= check("adapter", model, a.binary, a.base, tokenizer,
                      a.adapter)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
