"""Held-out loss of 20 bf16 steps by transformers, PEFT and bitsandbytes.

  python make_golden_bf16.py --model MODEL_DIR --oracle train_trajectory.json \
      --out golden/bf16_heldout.json

The run of train_trajectory.json (make_golden_trajectory.py: its rows, rates,
trained tensors and adapter factors; AdamW, weight decay 0.01, clip 1.0), under
torch.autocast in bf16 with f32 master weights, as Trainer(bf16=True) does.
Products take bf16 operands, accumulate in f32 and round once, as bf16
instructions do; PyTorch's own bf16 product is ten times slower where a
processor lacks them.

Writes: bf16_heldout.json
"""
import argparse
import json
import math

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

LINEAR = torch.nn.functional.linear


def linear(x, weight, bias=None):
    """bf16 operands, f32 sums, bf16 result under autocast; else as it was."""
    if not torch.is_autocast_enabled("cpu") and x.dtype != torch.bfloat16:
        return LINEAR(x, weight, bias)
    with torch.autocast("cpu", enabled=False):
        y = LINEAR(x.bfloat16().float(), weight.bfloat16().float(),
                   None if bias is None else bias.float())
        return y.bfloat16()


torch.nn.functional.linear = linear

PLACES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
          "down_proj"]
MASK = (1 << 64) - 1


def split_mix(x):
    x = (x + np.uint64(0x9E3779B97F4A7C15)) & np.uint64(MASK)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def factors(index, rows, columns):
    """A[r][c] as the oracle prescribes it."""
    at = np.arange(rows * columns, dtype=np.uint64)
    bits = split_mix(np.uint64(index << 32) + at) >> np.uint64(11)
    u = bits.astype(np.float64) * 2.0**-53
    a = (2 * u - 1) / math.sqrt(columns)
    return torch.tensor(a.astype(np.float32).reshape(rows, columns))


def batch_of(rows):
    width = max(len(r["input_ids"]) for r in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), -100)
    for i, r in enumerate(rows):
        n = len(r["input_ids"])
        ids[i, :n] = torch.tensor(r["input_ids"])
        labels[i, :n] = torch.tensor(r["labels"])
    return ids, labels


def loss_of(model, rows):
    ids, labels = batch_of(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(input_ids=ids).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].float().reshape(-1, logits.size(-1)),
        labels[:, 1:].reshape(-1), ignore_index=-100)


def load(folder, quantized):
    if not quantized:
        return AutoModelForCausalLM.from_pretrained(folder,
                                                    dtype=torch.float32)
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, device_map={"": "cpu"},
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16))


def prepared(method, folder, golden):
    model = load(folder, method == "qlora")
    if method == "hft":
        trained = set(golden["runs"]["hft"]["trainable"])
        trained |= {"model.embed_tokens.weight", "model.norm.weight"}
        for name, p in model.named_parameters():
            p.requires_grad_(name in trained)
    if method in ("lora", "qlora"):
        import peft
        model = peft.get_peft_model(model, peft.LoraConfig(
            r=16, lora_alpha=32, lora_dropout=0.0, target_modules=PLACES,
            task_type="CAUSAL_LM"))
        with torch.no_grad():
            for name, p in model.named_parameters():
                if "lora_A" not in name:
                    continue
                parts = name.split(".")
                layer = int(parts[parts.index("layers") + 1])
                place = PLACES.index(parts[parts.index("lora_A") - 1])
                p.copy_(factors(layer * 7 + place, *p.shape))
    return model


def run(method, folder, golden):
    rate = golden["runs"]["lora" if method == "qlora" else method]["lr"]
    model = prepared(method, folder, golden)
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01)
    losses = []
    for s in range(20):
        first = 4 * (s % 5)
        loss = loss_of(model, golden["rows"][first:first + 4])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        after = loss_of(model, golden["rows"][20:24]).item()
    print(method, after, losses[-1], flush=True)
    return {"lr": rate, "losses": losses, "heldout_after": after}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    golden = json.load(open(args.oracle))
    out = {"made_by": "tests/golden/make_golden_bf16.py",
           "versions": {"torch": torch.__version__,
                        "transformers": transformers.__version__},
           "runs": {}}
    for method in ("full", "lora", "hft", "qlora"):
        out["runs"][method] = run(method, args.model, golden)
        json.dump(out, open(args.out, "w"), indent=1)


if __name__ == "__main__":
    main()
