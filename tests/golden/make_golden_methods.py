#!/usr/bin/env python3
"""Golden files of tests/methods, made by the libraries they stand for.

  make_golden_methods.py nf4     --model DIR   nf4.json (bitsandbytes)
  make_golden_methods.py qlora   --model DIR   qlora_trajectory.json
                                               (bitsandbytes + PEFT)
  make_golden_methods.py packing               packing.json (TRL)
  make_golden_methods.py adapter --model SMALL peft_adapter/ (PEFT)

DIR is a Hugging Face folder of SmolLM2-135M-Instruct in f32, SMALL the one of
glassllm. The 24 rows and the rule of the adapters' initial values are those of
train_trajectory.json (make_golden_trajectory.py).
Versions used: bitsandbytes 0.50.2, peft 0.21.2, transformers 5.24.0, trl
1.16.0, torch 2.11.0; one thread. Every input is written out or follows from a
counter, but the adapter's values, which torch draws with seed 0.

Writes: nf4.json packing.json qlora_trajectory.json
  peft_adapter/{adapter_config.json,adapter_model.safetensors,expected.json}
"""
import argparse
import hashlib
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch

from causal_steps import add_adapters, load_nf4, trajectory
from counter import uniform

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))


def sha(t):
    t = t.detach().contiguous()
    if t.dtype == torch.bfloat16:
        t = t.view(torch.int16)
    return hashlib.sha256(t.numpy().tobytes()).hexdigest()


def hexed(t):
    return t.detach().contiguous().numpy().tobytes().hex()


def versions(*names):
    from importlib.metadata import version
    return {n: version(n) for n in ("torch",) + names}


def write(name, value, indent=1):
    path = os.path.join(HERE, name)
    with open(path, "w") as f:
        json.dump(value, f, indent=indent)
        f.write("\n")
    print(path, os.path.getsize(path))


def nf4_facts(w, full):
    """Everything bitsandbytes says about w; `full` keeps bytes, not digests."""
    import bitsandbytes.functional as F
    keep = hexed if full else sha
    codes, state = F.quantize_4bit(w, blocksize=64, quant_type="nf4")
    out = {"n": w.numel(), "input_sha256": sha(w), "codes": keep(codes),
           "absmax": keep(state.absmax),
           "dequant_sha256": sha(F.dequantize_4bit(codes, state))}
    state.dtype = torch.bfloat16
    out["dequant_bf16_sha256"] = sha(F.dequantize_4bit(codes, state))
    codes2, state = F.quantize_4bit(w, blocksize=64, quant_type="nf4",
                                    compress_statistics=True)
    assert torch.equal(codes, codes2)
    restored = F.dequantize_blockwise(state.absmax, state.state2)
    restored += state.offset
    out["double"] = {"absmax_codes": keep(state.absmax),
                     "absmax2": hexed(state.state2.absmax),
                     "offset": hexed(state.offset.reshape(1)),
                     "absmax_restored_sha256": sha(restored),
                     "dequant_sha256": sha(F.dequantize_4bit(codes, state))}
    return out


def small_input():
    """4096 values: zeros, constants, every code, every midpoint and its
    neighbours, and sums of uniforms at several sizes."""
    import bitsandbytes.functional as F
    code = F.get_4bit_type("nf4", device="cpu").float().numpy()
    mid = ((code[1:] + code[:-1]) / np.float32(2)).astype(np.float32)
    x = np.zeros(4096, np.float32)
    for i in range(4096):
        u = uniform(3 * i) + uniform(3 * i + 1) + uniform(3 * i + 2)
        x[i] = np.float32((u - 1.5) * 0.05 * (1 + i // 512))
    x[0:64] = 0
    x[64:128] = 0.01
    x[128:192] = np.tile(code, 4) * np.float32(3)
    x[192:256] = 0
    x[192:207] = mid
    x[207] = 1
    x[208:223] = np.nextafter(mid, np.float32(2))
    x[223:238] = np.nextafter(mid, np.float32(-2))
    return torch.tensor(x)


def large_input(n):
    return torch.tensor([
        np.float32(((uniform(3 * k) + uniform(3 * k + 1)) + uniform(3 * k + 2)
                    - 1.5) * 0.05) for k in range(1 << 40, (1 << 40) + n)])


def make_nf4(args):
    import bitsandbytes.functional as F
    from safetensors import safe_open
    name = "model.layers.0.self_attn.q_proj.weight"
    path = os.path.join(args.model, "model.safetensors")
    with safe_open(path, "pt") as f:
        weight = f.get_tensor(name).float()
    small = small_input()
    codes8, state8 = F.quantize_blockwise(small, blocksize=256)
    write("nf4.json", {
        "made_by": {"script": "make_golden_methods.py nf4",
                    **versions("bitsandbytes")},
        "code16": F.get_4bit_type("nf4", device="cpu").tolist(),
        "dynamic_code256": F.create_dynamic_map().tolist(),
        "small": {"input": hexed(small), **nf4_facts(small, True)},
        # Odd ends: a last block that is not full, and half a byte.
        "rest_4000": nf4_facts(small[95:].contiguous()[:4000], False),
        "large_65728": nf4_facts(large_input(65728), False),
        "blockwise8": {"codes": hexed(codes8), "absmax": hexed(state8.absmax),
                       "dequant_sha256": sha(F.dequantize_blockwise(
                           codes8, state8))},
        "real": {"tensor": name, **nf4_facts(weight, False)},
    })


def make_packing(args):
    """TRL's strategies on lengths that follow from a counter."""
    from datasets import Dataset
    from trl import pack_dataset
    cases = {}
    for name, n, top, capacity in (("short", 300, 60, 64), ("exact", 64, 8, 8),
                                   ("long", 120, 700, 256)):
        lengths = [1 + int(top * uniform(7919 * n + i) ** 2) for i in range(n)]
        rows = Dataset.from_dict({"input_ids": [
            [r * 65536 + k for k in range(x)]
            for r, x in enumerate(lengths)]})
        case = {"lengths": lengths, "capacity": capacity}
        for strategy in ("bfd", "bfd_split", "wrapped"):
            packed = pack_dataset(rows, capacity, strategy)
            case[strategy] = [pieces(b["input_ids"]) for b in packed]
        cases[name] = case
    write("packing.json", {
        "made_by": {"script": "make_golden_methods.py packing",
                    **versions("trl", "datasets")},
        "note": "bins of [row, first token, tokens]",
        "cases": cases}, indent=None)


def pieces(ids):
    out = []
    for i in ids:
        row, place = i >> 16, i & 65535
        if out and out[-1][0] == row and sum(out[-1][1:]) == place:
            out[-1][2] += 1
        else:
            out.append([row, place, 1])
    return out


def make_qlora(args):
    """20 steps of NF4 + LoRA in f32."""
    with open(os.path.join(HERE, "train_trajectory.json")) as f:
        rows = json.load(f)["rows"]
    model = add_adapters(load_nf4(args.model))
    steps = trajectory(model, rows, 2e-4, "qlora")
    write("qlora_trajectory.json", {
        "made_by": {"script": "make_golden_methods.py qlora",
                    **versions("bitsandbytes", "peft", "transformers")},
        "note": "rows, order and initial values as in train_trajectory.json; "
                "NF4 with double quantization, r 16, alpha 32, f32, lr 2e-4 "
                "constant, AdamW decay 0.01, clip 1.0; always in train mode",
        "rows": [{k: r[k] for k in ("input_ids", "labels")} for r in rows],
        "lr": 2e-4, "trainable_parameters": sum(
            p.numel() for p in model.parameters() if p.requires_grad),
        **steps}, indent=None)


def make_adapter(args):
    """An adapter folder as PEFT saves it (DoRA, ranks and alphas by pattern),
    and the summed loss of a few rows with it."""
    import peft
    from transformers import AutoModelForCausalLM
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(args.model,
                                                 dtype=torch.float32)
    rows = [[int(uniform(1000 * r + t) * 1000) for t in range(9 + 4 * r)]
            for r in range(3)]

    def loss_of(m):
        with torch.no_grad():
            return sum(torch.nn.functional.cross_entropy(
                m(input_ids=torch.tensor([r])).logits[0, :-1],
                torch.tensor(r[1:]), reduction="sum").item() for r in rows)

    base = loss_of(model)
    model = peft.get_peft_model(model, peft.LoraConfig(
        r=2, lora_alpha=4, use_dora=True, task_type="CAUSAL_LM",
        target_modules=["q_proj", "v_proj", "down_proj"],
        rank_pattern={"layers.1.mlp.down_proj": 3},
        alpha_pattern={"v_proj": 16}))
    for name, p in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p, std=0.2)
        if "magnitude" in name:
            p.data.mul_(1.1)
    model.eval()
    folder = os.path.join(HERE, "peft_adapter")
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    path = os.path.join(folder, "adapter_config.json")
    with open(path) as f:
        config = json.load(f)
    config["base_model_name_or_path"] = "glassllm"
    config["target_modules"].sort()
    write("peft_adapter/adapter_config.json", config)
    write("peft_adapter/expected.json", {
        "made_by": {"script": "make_golden_methods.py adapter",
                    **versions("peft", "transformers")},
        "rows": rows, "loss_sum_base": base, "loss_sum": loss_of(model)},
        indent=None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["nf4", "qlora", "packing", "adapter"])
    parser.add_argument("--model")
    given = parser.parse_args()
    {"nf4": make_nf4, "qlora": make_qlora, "packing": make_packing,
     "adapter": make_adapter}[given.what](given)
