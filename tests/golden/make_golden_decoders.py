#!/usr/bin/env python3
"""Tiny random checkpoints of every decoder family, and what transformers
computes with them.

  python make_golden_decoders.py [family ...]

Needs torch, transformers, safetensors. Writes decoders/<family>/:
  config.json, model.safetensors   save_pretrained of a random model, bf16
  golden.json                      rows, loss, greedy continuations
  expected.safetensors             logits of each row and every gradient, f32
"""
import json
import pathlib
import sys

import torch
import transformers as tf
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261125
VOCABULARY = 97
LENGTHS = (13, 21)
NEW_TOKENS = 20
SHARED = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
    bos_token_id=1, eos_token_id=2, pad_token_id=0)
SLIDING, FULL = "sliding_attention", "full_attention"


def families():
    return {
        "mistral": tf.MistralConfig(
            **SHARED, num_hidden_layers=2, sliding_window=6, head_dim=8),
        "qwen2": tf.Qwen2Config(
            **SHARED, num_hidden_layers=2, use_sliding_window=True,
            sliding_window=5, max_window_layers=1, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6}),
        "qwen3": tf.Qwen3Config(
            **SHARED, num_hidden_layers=2, head_dim=10,
            tie_word_embeddings=True),
        "gemma2": tf.Gemma2Config(
            **SHARED, num_hidden_layers=2, head_dim=12, sliding_window=6,
            query_pre_attn_scalar=20, attn_logit_softcapping=3.0,
            final_logit_softcapping=4.0),
        "gemma3": tf.Gemma3TextConfig(
            **SHARED, num_hidden_layers=3, head_dim=12, sliding_window=6,
            query_pre_attn_scalar=20, layer_types=[SLIDING, SLIDING, FULL]),
        "gpt2": tf.GPT2Config(
            vocab_size=VOCABULARY, n_embd=32, n_inner=40, n_layer=2, n_head=4,
            n_positions=64, bos_token_id=1, eos_token_id=2,
            attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0),
    }


def build(name, config):
    torch.manual_seed(SEED)
    config._attn_implementation = "eager"
    model = tf.AutoModelForCausalLM.from_config(config).eval()
    plus_one = name.startswith("gemma")
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.dim() == 2:
                # Scaled by the root of the width, and so kept from deciding
                # every next token by itself.
                embedding = 0.1 if plus_one else 0.5
                p.normal_(0, embedding if "embed" in key else 0.3)
            elif key.endswith(".bias"):
                p.normal_(0, 0.2)
            else:
                p.normal_(0.0 if plus_one else 1.0, 0.2)
                if plus_one and ("post_" in key or key == "model.norm.weight"):
                    p.add_(2.0)
            p.copy_(p.bfloat16().float())
    return model


def greedy(model, ids):
    ids = list(ids)
    start = len(ids)
    gap = float("inf")
    for _ in range(NEW_TOKENS):
        with torch.no_grad():
            logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        top = logits.topk(2).values
        gap = min(gap, (top[0] - top[1]).item())
        ids.append(int(logits.argmax()))
    return ids[start:], gap


def make(name, config):
    model = build(name, config)
    folder = HERE / "decoders" / name
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(SEED)
    rows = []
    for length in LENGTHS:
        ids = torch.randint(3, VOCABULARY, (length,),
                            generator=generator).tolist()
        # The pad token's row takes no gradient as an input in most families.
        ids[4] = 0
        rows.append({"ids": ids,
                     "labels": [-100] * (length // 3) + ids[length // 3:]})
    tensors, loss, targets = {}, 0.0, 0
    for i, row in enumerate(rows):
        logits = model(torch.tensor([row["ids"]]), use_cache=False).logits[0]
        tensors[f"logits.{i}"] = logits.detach().clone().contiguous()
        labels = torch.tensor(row["labels"][1:])
        loss = loss + torch.nn.functional.cross_entropy(
            logits[:-1], labels, reduction="sum")
        targets += int((labels != -100).sum())
    loss = loss / targets
    loss.backward()
    for key, p in model.named_parameters():
        tensors["grad." + key] = p.grad.clone().contiguous()
    answers = [greedy(model, row["ids"]) for row in rows]
    (folder / "golden.json").write_text(json.dumps({
        "made_by": {"script": "tests/golden/make_golden_decoders.py",
                    "torch": torch.__version__.split("+")[0],
                    "transformers": tf.__version__, "seed": SEED},
        "rows": rows, "loss": loss.item(), "target_tokens": targets,
        "answers": [answer for answer, _ in answers],
        "smallest_gap": min(gap for _, gap in answers),
    }, separators=(",", ":")) + "\n")
    save_file(tensors, folder / "expected.safetensors")
    model.bfloat16().save_pretrained(folder)
    extra = folder / "generation_config.json"
    if extra.exists():
        extra.unlink()
    print(name, "loss", round(loss.item(), 4), "gap",
          min(g for _, g in answers), "distinct",
          [len(set(a)) for a, _ in answers], "bytes",
          sum(f.stat().st_size for f in folder.iterdir()))


def main():
    torch.set_num_threads(1)
    table = families()
    for name in sys.argv[1:] or table:
        make(name, table[name])


if __name__ == "__main__":
    main()
