#!/usr/bin/env python3
"""Tunes the tiny checkpoint of every decoder family, and checks in transformers
and PEFT what is exported, and here what PEFT has written.

  python scripts/check_families.py --binary build/sftbench [family ...]

Needs torch, transformers, peft, tokenizers. The checkpoints are those of
tests/golden/decoders, with a tokenizer of single characters beside them. Prints
a line a family: the relative error of logits of

  full, hft   `export --merged` of a run, in transformers
  lora        `export --adapter` of a run, in PEFT, and --merged in transformers
  peft        an adapter on all linear maps that PEFT wrote, read here

each against `sftbench logits`; exits 1 if one is 1e-4 or more.
"""
import argparse
import json
import pathlib
import shutil
import string
import subprocess
import sys
import tempfile

import peft
import tokenizers
import torch
import transformers as tf

ROOT = pathlib.Path(__file__).resolve().parent.parent
DECODERS = ROOT / "tests" / "golden" / "decoders"
IDS = [5, 17, 3, 50, 96, 8, 31, 44, 12, 12, 77, 20, 4, 19, 61, 7, 9, 33, 80, 6]
MOST = 1e-4
SPEC = """question: does an export load elsewhere?
model: {model}
data: {{name: rows, path: {rows}, task: classification, split: [0.5, 0.2, 0.3]}}
train: [rows]
evaluate: {{tasks: [rows]}}
budget: {{steps: 3}}
set: {{batch_size: 2, max_length: 48, learning_rate: 1.0e-2, threads: 1{rank}}}
grid: {{method: [{method}]}}
"""


def write_tokenizer(folder):
    characters = string.ascii_letters + string.digits + string.punctuation
    vocabulary = ["<pad>", "<s>", "</s>", "\u0120"] + list(characters[:93])
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(
        {token: i for i, token in enumerate(vocabulary)}, []))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(vocabulary[:3])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}))


def write_rows(path):
    words = ["good", "fine", "bright", "bad", "dull", "weak"]
    rows = [{"text": f"a {words[i % 6]} film {i}",
             "label": "yes" if i % 6 < 3 else "no"} for i in range(24)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def sftbench(binary, *words, **options):
    done = subprocess.run([binary, *map(str, words)], text=True,
                          capture_output=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def ours(binary, model, adapter=None):
    out = sftbench(binary, "logits", model,
                   *(["--adapter", adapter] if adapter else []),
                   input=" ".join(map(str, IDS)))
    return torch.tensor([[float(x) for x in line.split()]
                         for line in out.splitlines()])


def load(folder):
    return tf.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()


def theirs(model):
    with torch.no_grad():
        return model(torch.tensor([IDS]), use_cache=False).logits[0]


def error(a, b):
    return ((a - b).norm() / b.norm()).item()


def tuned(binary, base, rows, method, folder):
    """The record of one run."""
    folder.mkdir()
    spec = folder / "spec.yaml"
    # The smallest maps are 8 wide.
    rank = ", lora.rank: 2" if method == "lora" else ""
    spec.write_text(SPEC.format(model=base, rows=rows, method=method,
                                rank=rank))
    sftbench(binary, "run", spec, "--out", folder / "out",
             "--keep-weights", "all")
    rows = json.loads(sftbench(
        binary, "query", folder / "out", "--where", f"method={method}",
        "--columns", "run_id", "--format", "json"))
    return folder / "out" / "runs" / f"{rows[0]['run_id']}.h5"


def check(binary, name, work):
    base = work / name
    shutil.copytree(DECODERS / name, base)
    write_tokenizer(base)
    rows = work / "rows.jsonl"
    write_rows(rows)
    before = theirs(load(base))
    errors = {"base": error(ours(binary, base), before)}
    for method in ("full", "hft", "lora"):
        folder = work / f"{name}.{method}"
        record = tuned(binary, base, rows, method, folder)
        merged = folder / "merged"
        sftbench(binary, "export", record, "--merged", "--dtype", "f32",
                 "--out", merged)
        after = theirs(load(merged))
        errors[method] = error(ours(binary, merged), after)
        assert error(after, before) > 1e-3, f"{method} moved nothing"
        if method == "lora":
            adapter = folder / "adapter"
            sftbench(binary, "export", record, "--adapter", "--out", adapter)
            loaded = theirs(peft.PeftModel.from_pretrained(
                load(base), adapter).eval())
            errors["adapter"] = max(error(loaded, after),
                                    error(ours(binary, base, adapter), loaded))
    torch.manual_seed(1)
    model = peft.get_peft_model(load(base), peft.LoraConfig(
        task_type="CAUSAL_LM", r=2, lora_alpha=4,
        target_modules="all-linear"))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    written = work / f"{name}.peft"
    model.save_pretrained(written)
    errors["peft"] = error(ours(binary, base, written), theirs(model.eval()))
    print(f"{name:16}", *(f"{key} {value:.1e}" for key, value in
                          errors.items()), flush=True)
    return max(errors.values()) < MOST


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="build/sftbench")
    parser.add_argument("families", nargs="*")
    args = parser.parse_args()
    torch.set_num_threads(1)
    good = True
    names = args.families or sorted(p.name for p in DECODERS.iterdir())
    with tempfile.TemporaryDirectory() as work:
        for name in names:
            good &= check(args.binary, name, pathlib.Path(work))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
