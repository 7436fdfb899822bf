#!/usr/bin/env python3
"""LoRA, rsLoRA, DoRA and PiSSA as PEFT computes them: logits, the gradient of
every trained tensor, and the model with the adapter merged.

  python make_golden_lora_variants.py

Needs torch, transformers, peft, safetensors. The base is a tiny checkpoint of
make_golden_decoders.py. Every adapter is moved away from where it begins by
draws of SEED. In the file, by variant: value/NAME and gradient/NAME of the
trained tensors, by the names of an adapter folder; logits [T, V] of IDS and
merged/logits; merged/NAME, weights of MERGED. The loss is the sum of
-log p(token) over IDS but the first.

Writes: lora_variants.json lora_variants.safetensors
"""
import json
import pathlib
import warnings

import peft
import torch
import transformers as tf
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261201
BASE = "rope_llama3"
IDS = [5, 17, 3, 50, 96, 8, 31, 44, 12, 12, 77, 20, 4, 19, 61]
MERGED = ["model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"]
VARIANTS = {"lora": {}, "rslora": {"use_rslora": True},
            "dora": {"use_dora": True},
            "pissa": {"init_lora_weights": "pissa"}}
MAPS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
        "down_proj"]


def plain(name):
    return (name.removeprefix("base_model.model.")
            .replace("lora_magnitude_vector.default.weight",
                     "lora_magnitude_vector").replace(".default", ""))


def tensors_of(name, options):
    torch.manual_seed(SEED)
    base = tf.AutoModelForCausalLM.from_pretrained(
        HERE / "decoders" / BASE, dtype=torch.float32,
        attn_implementation="eager").eval()
    model = peft.get_peft_model(base, peft.LoraConfig(
        task_type="CAUSAL_LM", r=2, lora_alpha=4, target_modules=MAPS,
        **options)).eval()
    out = {}
    trained = {plain(k): p for k, p in model.named_parameters()
               if p.requires_grad}
    with torch.no_grad():
        for key, p in trained.items():
            p.add_(0.1 * torch.randn_like(p))
            out[f"value/{key}"] = p.detach().clone()
    ids = torch.tensor([IDS])
    logits = model(ids, use_cache=False).logits[0]
    torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:],
                                      reduction="sum").backward()
    out["logits"] = logits.detach()
    for key, p in trained.items():
        out[f"gradient/{key}"] = p.grad
    merged = model.merge_and_unload()
    with torch.no_grad():
        out["merged/logits"] = merged(ids, use_cache=False).logits[0]
    weights = dict(merged.named_parameters())
    for key in MERGED:
        out[f"merged/{key}"] = weights[f"{key}.weight"].detach()
    return {f"{name}/{k}": t.contiguous().clone() for k, t in out.items()}


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    tensors = {}
    for name, options in VARIANTS.items():
        tensors.update(tensors_of(name, options))
    (HERE / "lora_variants.json").write_text(json.dumps({
        "made_by": {"script": "tests/golden/make_golden_lora_variants.py",
                    "torch": torch.__version__.split("+")[0],
                    "transformers": tf.__version__,
                    "peft": peft.__version__, "seed": SEED},
        "base": BASE, "ids": IDS, "rank": 2, "alpha": 4, "merged": MERGED,
        "variants": list(VARIANTS)}, indent=1) + "\n")
    save_file(tensors, HERE / "lora_variants.safetensors")


if __name__ == "__main__":
    main()
