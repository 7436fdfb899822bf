#!/usr/bin/env python3
"""Adapter folders as PEFT writes them, and the logits of what PEFT loads.

  python make_golden_adapters.py

Needs torch, transformers, peft, safetensors. The bases are the checkpoints of
make_golden_decoders.py. Writes adapters/<name>/ (what save_pretrained writes,
without its README) and adapters/expected.safetensors with the logits f32 of
IDS for each of them.

Writes: adapters/golden.json adapters/expected.safetensors adapters/{biases,
  gpt2,olora,patterns,pissa,pissa_dora_rslora,regex,saved,saved_tied,
  some_layers,tables,tables_tied}/{adapter_config.json,
  adapter_model.safetensors}
"""
import json
import pathlib
import shutil
import warnings

import peft
import torch
import transformers as tf
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261130
IDS = [5, 17, 3, 50, 96, 8, 31, 44, 12, 12, 77, 20, 4, 19, 61]
LLAMA, GPT2, TIED = "rope_llama3", "gpt2", "qwen2"
ATTENTION = ["q_proj", "v_proj"]

CASES = {
    "pissa": (LLAMA, dict(init_lora_weights="pissa", r=2, lora_alpha=4,
                          target_modules=ATTENTION)),
    "olora": (LLAMA, dict(init_lora_weights="olora", r=2, lora_alpha=4,
                          target_modules=ATTENTION)),
    "pissa_dora_rslora": (GPT2, dict(
        init_lora_weights="pissa", r=3, lora_alpha=3, use_dora=True,
        use_rslora=True, fan_in_fan_out=True,
        target_modules=["c_attn", "c_fc"])),
    "patterns": (LLAMA, dict(
        r=2, lora_alpha=4, target_modules=["q_proj", "k_proj", "down_proj"],
        rank_pattern={r"layers\.1\.self_attn\..*": 3, "down_proj": 1},
        alpha_pattern={r"layers\.[01]\.self_attn\.(q|k)_proj": 16,
                       r"^model.layers.1.mlp.down_proj": 5})),
    "gpt2": (GPT2, dict(r=2, lora_alpha=4, fan_in_fan_out=True, bias="all",
                        target_modules=["c_attn", "mlp.c_proj"])),
    "biases": (TIED, dict(r=2, lora_alpha=4, bias="lora_only",
                          target_modules=["q_proj", "o_proj"])),
    "tables": (LLAMA, dict(r=2, lora_alpha=4, target_modules=[
        "embed_tokens", "lm_head", "q_proj"])),
    "tables_tied": (TIED, dict(r=2, lora_alpha=4, target_modules=[
        "embed_tokens", "lm_head", "v_proj"])),
    "saved": (LLAMA, dict(r=2, lora_alpha=4, target_modules=ATTENTION,
                          modules_to_save=["embed_tokens", "lm_head", "norm"])),
    "saved_tied": (TIED, dict(r=2, lora_alpha=4, target_modules=ATTENTION,
                              modules_to_save=["embed_tokens"])),
    "some_layers": (LLAMA, dict(
        r=2, lora_alpha=4, target_modules=ATTENTION, layers_to_transform=[1],
        layers_pattern="layers", exclude_modules=["v_proj"])),
    "regex": (LLAMA, dict(
        r=2, lora_alpha=4,
        target_modules=r"model\.layers\.\d+\.mlp\.(up|down)_proj")),
}


def base_model(name):
    model = tf.AutoModelForCausalLM.from_pretrained(
        HERE / "decoders" / name, dtype=torch.float32,
        attn_implementation="eager")
    return model.eval()


def make(name, base, options):
    folder = HERE / "adapters" / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(SEED)
    model = peft.get_peft_model(
        base_model(base), peft.LoraConfig(task_type="CAUSAL_LM", **options))
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.requires_grad:
                p.add_(0.1 * torch.randn_like(p))
    model.peft_config["default"].base_model_name_or_path = base
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    loaded = peft.PeftModel.from_pretrained(base_model(base), folder).eval()
    with torch.no_grad():
        logits = loaded(torch.tensor([IDS]), use_cache=False).logits[0]
        bare = base_model(base)(torch.tensor([IDS]), use_cache=False).logits[0]
    change = ((logits - bare).norm() / bare.norm()).item()
    print(name, "moves the logits by", round(change, 3), "bytes",
          sum(f.stat().st_size for f in folder.iterdir()))
    assert change > 0.01
    return logits.contiguous()


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    tensors, bases = {}, {}
    for name, (base, options) in CASES.items():
        tensors[name] = make(name, base, options)
        bases[name] = base
    (HERE / "adapters" / "golden.json").write_text(json.dumps({
        "made_by": {"script": "tests/golden/make_golden_adapters.py",
                    "torch": torch.__version__.split("+")[0],
                    "transformers": tf.__version__,
                    "peft": peft.__version__, "seed": SEED},
        "ids": IDS, "bases": bases}, indent=1) + "\n")
    save_file(tensors, HERE / "adapters" / "expected.safetensors")


if __name__ == "__main__":
    main()
