#!/usr/bin/env python3
"""Tiny random checkpoints as GGUF files, written by the package gguf: its names
of keys and tensors, and what llama.cpp's converter does to the numbers (rows of
q and k in pairs, 1 added to Gemma's norms, divisors of Llama 3.1's and LongRoPE's
angles).

  python make_golden_gguf.py

Needs torch, transformers, safetensors, gguf. Matrices are bf16, as the models'
are, vectors f32; the Llama is split. Beside the files: a row of tokens and the
logits of transformers, and blocks that the package quantized.

Writes: gguf/{qwen2,qwen3,smollm3,granite,olmo2,phi3,gemma,gemma2,gemma3,
  gpt2,gptneox}.gguf gguf/llama-0000{1,2,3}-of-00003.gguf gguf/expected.safetensors
  gguf/quantized.json
"""
import json
import math
import pathlib
import sys

import gguf
import numpy as np
import torch
import transformers as tf
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from make_golden_decoders import SEED, build  # noqa: E402

OUT = HERE / "gguf"
VOCABULARY = 48
TOKENS = 24
SHARED = dict(
    vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24,
    num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64,
    num_hidden_layers=2, head_dim=8, bos_token_id=1, eos_token_id=2,
    pad_token_id=0)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=64)


def families():
    """name -> (architecture, configuration)."""
    plain = {k: v for k, v in SHARED.items() if k != "head_dim"}
    gemma = dict(SHARED, sliding_window=4, query_pre_attn_scalar=8)
    return {
        "llama": (gguf.MODEL_ARCH.LLAMA, tf.LlamaConfig(
            **dict(SHARED, attention_bias=True, max_position_embeddings=128),
            rope_parameters={"rope_theta": 1e4, **LLAMA3})),
        "qwen2": (gguf.MODEL_ARCH.QWEN2, tf.Qwen2Config(
            **plain, tie_word_embeddings=True)),
        "qwen3": (gguf.MODEL_ARCH.QWEN3, tf.Qwen3Config(
            **dict(SHARED, head_dim=10))),
        "smollm3": (gguf.MODEL_ARCH.SMOLLM3, tf.SmolLM3Config(
            **dict(SHARED, num_hidden_layers=4, tie_word_embeddings=True,
                   use_sliding_window=False))),
        "granite": (gguf.MODEL_ARCH.GRANITE, tf.GraniteConfig(
            **plain, embedding_multiplier=3.0, attention_multiplier=0.2,
            residual_multiplier=0.6, logits_scaling=2.5)),
        "olmo2": (gguf.MODEL_ARCH.OLMO2, tf.Olmo2Config(**plain)),
        "phi3": (gguf.MODEL_ARCH.PHI3, tf.Phi3Config(
            **dict(plain, max_position_embeddings=64,
                   original_max_position_embeddings=16, sliding_window=None),
            rope_parameters={
                "rope_type": "longrope", "rope_theta": 1e4,
                "short_factor": [1.0, 1.1, 1.3, 1.5],
                "long_factor": [1.2, 2.0, 3.0, 4.0],
                "original_max_position_embeddings": 16})),
        "gemma": (gguf.MODEL_ARCH.GEMMA, tf.GemmaConfig(**SHARED)),
        "gptneox": (gguf.MODEL_ARCH.GPTNEOX, tf.GPTNeoXConfig(
            **{k: v for k, v in plain.items() if k != "num_key_value_heads"},
            rotary_pct=0.5)),
        "gemma2": (gguf.MODEL_ARCH.GEMMA2, tf.Gemma2Config(
            **gemma, attn_logit_softcapping=3.0, final_logit_softcapping=4.0)),
        "gemma3": (gguf.MODEL_ARCH.GEMMA3, tf.Gemma3TextConfig(
            **dict(gemma, num_hidden_layers=7, hidden_size=8))),
        "gpt2": (gguf.MODEL_ARCH.GPT2, tf.GPT2Config(
            vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=2,
            n_positions=64, bos_token_id=1, eos_token_id=2)),
    }


def add_keys(out, config):
    get = lambda *names: next(  # noqa: E731
        (v for n in names if (v := getattr(config, n, None)) is not None), None)
    out.add_block_count(get("num_hidden_layers"))
    out.add_context_length(get("max_position_embeddings"))
    width, heads = get("hidden_size"), get("num_attention_heads")
    out.add_embedding_length(width)
    out.add_feed_forward_length(get("intermediate_size", "n_inner") or 4 * width)
    out.add_head_count(heads)
    if (kv := get("num_key_value_heads")) is not None:
        out.add_head_count_kv(kv)
    if (epsilon := get("rms_norm_eps")) is not None:
        out.add_layer_norm_rms_eps(epsilon)
    else:
        out.add_layer_norm_eps(get("layer_norm_epsilon", "layer_norm_eps"))
    if (head := get("head_dim")) is not None:
        out.add_key_length(head)
        out.add_value_length(head)
    rope = get("rope_parameters") or {}
    whole = rope.get("full_attention", rope)
    if "rope_theta" in whole:
        out.add_rope_freq_base(whole["rope_theta"])
    if "sliding_attention" in rope:
        out.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])
    if whole.get("rope_type") == "longrope":
        scale = 64 / whole["original_max_position_embeddings"]
        out.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)
        out.add_rope_scaling_orig_ctx_len(
            whole["original_max_position_embeddings"])
        out.add_rope_scaling_attn_factors(math.sqrt(
            1 + math.log(scale)
            / math.log(whole["original_max_position_embeddings"])))
        out.add_rope_dimension_count(width // heads)
        out.add_sliding_window(0)
    if config.model_type == "gpt_neox":
        out.add_rope_dimension_count(
            int(whole["partial_rotary_factor"] * (width // heads)))
        out.add_parallel_residual(config.use_parallel_residual)
    if config.model_type == "granite":
        out.add_attention_scale(config.attention_multiplier)
        out.add_embedding_scale(config.embedding_multiplier)
        out.add_residual_scale(config.residual_multiplier)
        out.add_logit_scale(config.logits_scaling)
    if (cap := get("attn_logit_softcapping")) is not None:
        out.add_attn_logit_softcapping(cap)
    if (cap := get("final_logit_softcapping")) is not None:
        out.add_final_logit_softcapping(cap)
    if config.model_type in ("gemma2", "gemma3_text"):
        out.add_sliding_window(get("sliding_window"))
    out.add_tokenizer_model("none")
    out.add_vocab_size(VOCABULARY)


def divisors(config):
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") != "llama3":
        return None
    dim, values = config.head_dim, []
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    for i in range(0, dim, 2):
        wave = 2 * math.pi * rope["rope_theta"] ** (i / dim)
        if wave < high:
            values.append(1.0)
        elif wave > low:
            values.append(rope["factor"])
        else:
            smooth = ((rope["original_max_position_embeddings"] / wave
                       - rope["low_freq_factor"])
                      / (rope["high_freq_factor"] - rope["low_freq_factor"]))
            values.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(values, np.float32)


def as_stored(name, tensor, config):
    value = tensor.detach().float()
    heads = config.num_attention_heads
    pairs = config.model_type in ("llama", "smollm3", "granite")
    if pairs and ("q_proj" in name or "k_proj" in name):
        head = getattr(config, "head_dim", None) or config.hidden_size // heads
        value = (value.reshape(-1, 2, head // 2, *value.shape[1:])
                 .swapaxes(1, 2).reshape(value.shape))
    if "query_key_value" in name:  # head by head -> queries, keys, values
        value = (value.reshape(heads, 3, -1, *value.shape[1:])
                 .swapaxes(0, 1).reshape(value.shape))
    if config.model_type.startswith("gemma") and "norm" in name:
        value = value + 1
    if config.model_type == "gpt2" and any(
            part in name for part in ("c_attn.w", "c_proj.w", "c_fc.w")):
        value = value.t()
    return value.contiguous().numpy()


def write(name, arch, config, model):
    out = gguf.GGUFWriter(
        OUT / f"{name}.gguf", gguf.MODEL_ARCH_NAMES[arch],
        split_max_tensors=12 if name == "llama" else 0)
    add_keys(out, config)
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    bf16 = gguf.GGMLQuantizationType.BF16
    if (values := divisors(config)) is not None:
        out.add_tensor("rope_freqs.weight", values)
    for kind in ("long", "short"):
        factors = (getattr(config, "rope_parameters", None) or {}).get(
            f"{kind}_factor")
        if factors is not None:
            out.add_tensor(f"rope_factors_{kind}.weight",
                           np.array(factors, np.float32))
    for key, tensor in model.named_parameters():
        stored = as_stored(key, tensor, config)
        place = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if stored.ndim == 1 or place == "position_embd.weight":
            out.add_tensor(place, stored)
        else:
            out.add_tensor(place, gguf.quants.quantize(stored, bf16),
                           raw_dtype=bf16)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def quantized():
    rng = np.random.default_rng(SEED)
    values = rng.standard_normal((6, 32)).astype(np.float32)
    values[0] *= 1e-6  # scales that are subnormal
    values[1] *= 300.0
    values[2] = 0.0
    values[3, :16] = np.arange(16) + 0.5  # halves
    values[3, 16] = 127.0
    rows = {}
    for name in ["F32", "F16", "Q8_0"]:
        data = gguf.quants.quantize(values, gguf.GGMLQuantizationType[name])
        rows[name.lower()] = np.ascontiguousarray(data).tobytes().hex()
    (OUT / "quantized.json").write_text(json.dumps({
        "made_by": MADE_BY,
        "values": [int(v) for v in values.reshape(-1).view(np.uint32)],
        "bytes": rows}, separators=(",", ":")) + "\n")


MADE_BY = {"script": "tests/golden/make_golden_gguf.py",
           "torch": torch.__version__.split("+")[0],
           "transformers": tf.__version__,
           "gguf": __import__("importlib.metadata").metadata.version("gguf"),
           "numpy": np.__version__, "seed": SEED}


def main():
    torch.set_num_threads(1)
    OUT.mkdir(exist_ok=True)
    ids = torch.randint(3, VOCABULARY, (1, TOKENS),
                        generator=torch.Generator().manual_seed(SEED))
    expected = {"ids": ids[0]}
    for name, (arch, config) in families().items():
        model = build(name, config)
        write(name, arch, config, model)
        with torch.no_grad():
            expected[f"{name}.logits"] = model(ids).logits[0].contiguous()
        files = sorted(OUT.glob(f"{name}*.gguf"))
        print(name, [(f.name, f.stat().st_size) for f in files],
              expected[f"{name}.logits"].std().item())
    save_file(expected, OUT / "expected.safetensors",
              metadata={k: str(v) for k, v in MADE_BY.items()})
    quantized()


if __name__ == "__main__":
    main()
