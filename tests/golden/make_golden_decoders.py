#!/usr/bin/env python3
"""Tiny random checkpoints of every decoder family and of every way to scale
rotary positions, and what transformers computes with them.

  python make_golden_decoders.py [family ...]

Needs torch, transformers, safetensors. Writes rope.json (angles and factors of
many parameters) if asked for "rope", and decoders/<family>/:
  config.json, model.safetensors   save_pretrained of a random model, bf16
  golden.json                      rows, loss, greedy continuations
  expected.safetensors             logits of each row and every gradient, f32

Names of gradients are those that save_pretrained gives the weights.

Writes: rope.json decoders/{gemma,gemma2,gemma3,gpt2,gpt_neox,gpt_neox_serial,
  granite,mistral,olmo2,opt,phi3,phi3_longrope,qwen2,qwen3,rope_dynamic,
  rope_linear,rope_llama3,rope_yarn,smollm3}/{config.json,model.safetensors,
  golden.json,expected.safetensors}
"""
import json
import pathlib
import sys

import torch
import transformers as tf
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261125
VOCABULARY = 97
LENGTHS = (13, 21)
SCALED_LENGTHS = (13, 41)  # the second beyond the 16 of before scaling
NEW_TOKENS = 20
SHARED = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
    bos_token_id=1, eos_token_id=2, pad_token_id=0)
SCALED = dict(
    SHARED, hidden_size=16, intermediate_size=24, num_attention_heads=2,
    num_key_value_heads=1, head_dim=8, num_hidden_layers=2)
SAVED_AS = {("gpt_neox", "lm_head.weight"): "embed_out.weight"}
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
        # The second layer has no rotation, and a window.
        "smollm3": tf.SmolLM3Config(
            **SHARED, num_hidden_layers=2, no_rope_layers=[1, 0],
            use_sliding_window=True, sliding_window=5, attention_bias=True),
        "granite": tf.GraniteConfig(
            **SHARED, num_hidden_layers=2, embedding_multiplier=3.0,
            attention_multiplier=0.2, residual_multiplier=0.6,
            logits_scaling=2.5),
        "olmo2": tf.Olmo2Config(**SHARED, num_hidden_layers=2),
        "phi3": tf.Phi3Config(
            **SHARED, num_hidden_layers=2, sliding_window=7,
            rope_parameters={"rope_type": "default", "rope_theta": 1e4,
                             "partial_rotary_factor": 0.5}),
        "phi3_longrope": tf.Phi3Config(
            **{k: v for k, v in SCALED.items() if k != "head_dim"},
            original_max_position_embeddings=16, rope_parameters={
                "rope_type": "longrope", "rope_theta": 100.0,
                "partial_rotary_factor": 0.75,
                "short_factor": [1.0, 1.1, 1.25],
                "long_factor": [1.5, 2.5, 4.0]}),
        "gemma": tf.GemmaConfig(**SHARED, num_hidden_layers=2, head_dim=12),
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
        "gpt_neox": neox(SHARED, use_parallel_residual=True),
        "gpt_neox_serial": neox(SCALED, use_parallel_residual=False,
                                attention_bias=False, hidden_act="gelu_fast"),
        "opt": tf.OPTConfig(
            vocab_size=VOCABULARY, hidden_size=32, ffn_dim=40,
            num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=62, bos_token_id=1, eos_token_id=2,
            pad_token_id=0, dropout=0.0),
        "rope_linear": scaled(16, rope_type="linear", factor=4.0),
        "rope_dynamic": scaled(16, rope_type="dynamic", factor=4.0),
        "rope_yarn": scaled(
            64, rope_type="yarn", factor=4.0, beta_fast=2.0, beta_slow=0.5,
            original_max_position_embeddings=16),
        "rope_llama3": scaled(
            64, rope_type="llama3", factor=4.0, low_freq_factor=1.0,
            high_freq_factor=4.0, original_max_position_embeddings=16),
    }


def neox(sizes, **options):
    return tf.GPTNeoXConfig(
        **{"num_hidden_layers": 2,
           **{k: v for k, v in sizes.items()
              if k not in ("num_key_value_heads", "head_dim")},
           **options},
        rope_parameters={"rope_type": "default", "rope_theta": 1e4,
                         "partial_rotary_factor": 0.5})


def scaled(positions, **rope):
    return tf.LlamaConfig(
        **dict(SCALED, max_position_embeddings=positions),
        rope_parameters={"rope_theta": 100.0, **rope})


def rope_cases():
    """(head width, positions, theta, keys of config.json) of many scalings."""
    old = "original_max_position_embeddings"
    llama = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
                 high_freq_factor=4.0)
    yarn = dict(rope_type="yarn", factor=4.0)
    for width, positions, theta, rope in [
            (64, 131072, 5e5, {**llama, old: 8192}),
            (64, 131072, 5e5, {**llama, "factor": 32.0, old: 8192}),
            (128, 4096, 1e4, llama),
            (128, 4096, 1e4, {"type": "linear", "factor": 2.5}),
            (128, 32768, 1e6, {**yarn, old: 32768}),
            (128, 131072, 1e6, {"type": "yarn", "factor": 4, old: 32768}),
            (96, 2048, 1e4, yarn),
            (64, 8192, 15e4, {**yarn, "factor": 32.0, "truncate": False,
                              "beta_fast": 32.0, "beta_slow": 1.0, old: 4096}),
            (64, 163840, 1e4, {**yarn, "factor": 40, "mscale": 0.707,
                               "mscale_all_dim": 1.0, old: 4096}),
            (64, 163840, 1e4, {**yarn, "factor": 40, "mscale": 0.707,
                               old: 4096}),
            (64, 16384, 1e4, {**yarn, "factor": None, old: 4096}),
            (64, 16384, 1e4, {**yarn, "attention_factor": 1.25,
                              "beta_fast": 16, "beta_slow": 2, old: 4096}),
            (64, 512, 1e4, {**yarn, "factor": 1.0, old: 512}),
    ]:
        yield width, positions, theta, {"rope_scaling": rope}
    yield 64, 16384, 1e4, {"rope_scaling": yarn, old: 4096}
    yield 64, 131072, 1e4, {"rope_scaling": {**llama, old: 4096}, old: 8192}


def make_rope():
    cases = []
    for width, positions, theta, keys in rope_cases():
        keys = {**keys, "rope_theta": theta,
                "max_position_embeddings": positions}
        config = tf.LlamaConfig(
            hidden_size=width, num_attention_heads=1,
            **json.loads(json.dumps(keys)))
        kind = config.rope_parameters["rope_type"]
        frequency, factor = ROPE_INIT_FUNCTIONS[kind](config, "cpu")
        cases.append({"head_dim": width, "config": keys,
                      "frequencies": frequency.tolist(), "factor": factor})
    (HERE / "rope.json").write_text(json.dumps({
        "made_by": MADE_BY, "cases": cases}, separators=(",", ":")) + "\n")
    print("rope", len(cases), "cases")


MADE_BY = {"script": "tests/golden/make_golden_decoders.py",
           "torch": torch.__version__.split("+")[0],
           "transformers": tf.__version__, "seed": SEED}


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


def is_scaled(model):
    rope = getattr(model.config, "rope_parameters", None) or {}
    return rope.get("rope_type", "default") != "default"


def reset(model):
    """Dynamic angles remember the longest sequence that they have met."""
    if is_scaled(model):
        model.model.rotary_emb = type(model.model.rotary_emb)(model.config)


def greedy(model, ids):
    ids = list(ids)
    start = len(ids)
    gap = float("inf")
    reset(model)
    cache = None
    for _ in range(NEW_TOKENS):
        # Scaled ones with the cache: dynamic angles depend on it.
        read = ids if cache is None else ids[-1:]
        with torch.no_grad():
            out = model(torch.tensor([read]), past_key_values=cache,
                        use_cache=is_scaled(model))
        cache, logits = out.past_key_values, out.logits[0, -1]
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
    for length in SCALED_LENGTHS if is_scaled(model) else LENGTHS:
        ids = torch.randint(3, VOCABULARY, (length,),
                            generator=generator).tolist()
        # The pad token's row takes no gradient as an input in most families.
        ids[4] = 0
        rows.append({"ids": ids,
                     "labels": [-100] * (length // 3) + ids[length // 3:]})
    tensors, loss, targets = {}, 0.0, 0
    for i, row in enumerate(rows):
        reset(model)
        logits = model(torch.tensor([row["ids"]]), use_cache=False).logits[0]
        tensors[f"logits.{i}"] = logits.detach().clone().contiguous()
        labels = torch.tensor(row["labels"][1:])
        loss = loss + torch.nn.functional.cross_entropy(
            logits[:-1], labels, reduction="sum")
        targets += int((labels != -100).sum())
    loss = loss / targets
    loss.backward()
    for key, p in model.named_parameters():
        key = SAVED_AS.get((model.config.model_type, key), key)
        tensors["grad." + key] = p.grad.clone().contiguous()
    answers = [greedy(model, row["ids"]) for row in rows]
    (folder / "golden.json").write_text(json.dumps({
        "made_by": MADE_BY,
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
    for name in sys.argv[1:] or [*table, "rope"]:
        if name == "rope":
            make_rope()
        else:
            make(name, table[name])


if __name__ == "__main__":
    main()
