#!/usr/bin/env python3
"""A Llama folder of random weights, for measurements of large models.

    random_llama.py OUT --shape 135m|1b|3b [--tokenizer FOLDER] [--seed 1]

Writes config.json and bf16 weights of the shape of Llama 3.2 (135m: SmolLM2) in
shards of about a gigabyte, a tensor part at a time, so that it takes little
memory whatever the shape: 3b is 6.4 GB on disk. --tokenizer copies the
tokenizer files of a model's folder, so that the folder can be trained. Needs
numpy.
"""

import argparse
import json
import pathlib
import shutil
import struct

import numpy as np

# layers, width, heads, heads of keys, head width, feed-forward, vocabulary
SHAPES = {
    "135m": (30, 576, 9, 3, 64, 1536, 49152),
    "1b": (16, 2048, 32, 8, 64, 8192, 128256),
    "3b": (28, 3072, 24, 8, 128, 8192, 128256),
}
SHARD_BYTES = 1 << 30
PART = 1 << 22  # numbers drawn at a time
DEVIATION = 0.02
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json",
                   "special_tokens_map.json", "chat_template.jinja")


def tensors(shape):
    """Names and sizes, in the order of the model."""
    layers, width, heads, key_heads, head, ffn, vocabulary = shape
    yield "model.embed_tokens.weight", (vocabulary, width)
    for i in range(layers):
        at = f"model.layers.{i}."
        yield at + "self_attn.q_proj.weight", (heads * head, width)
        yield at + "self_attn.k_proj.weight", (key_heads * head, width)
        yield at + "self_attn.v_proj.weight", (key_heads * head, width)
        yield at + "self_attn.o_proj.weight", (width, heads * head)
        yield at + "mlp.gate_proj.weight", (ffn, width)
        yield at + "mlp.up_proj.weight", (ffn, width)
        yield at + "mlp.down_proj.weight", (width, ffn)
        yield at + "input_layernorm.weight", (width,)
        yield at + "post_attention_layernorm.weight", (width,)
    yield "model.norm.weight", (width,)


def bytes_of(size):
    return 2 * int(np.prod(size))


def shards(shape):
    part, part_bytes = [], 0
    for name, size in tensors(shape):
        if part and part_bytes + bytes_of(size) > SHARD_BYTES:
            yield part
            part, part_bytes = [], 0
        part.append((name, size))
        part_bytes += bytes_of(size)
    yield part


def bf16(values_f32):
    """The upper halves of f32: rounded towards zero, which no test minds."""
    return (values_f32.view(np.uint32) >> 16).astype("<u2")


def write_tensor(f, size, rng):
    left = int(np.prod(size))
    if len(size) == 1:
        f.write(bf16(np.ones(left, np.float32)).tobytes())
        return
    while left > 0:
        count = min(left, PART)
        values = rng.standard_normal(count, dtype=np.float32)
        f.write(bf16(values * np.float32(DEVIATION)).tobytes())
        left -= count


def write_shard(path, rows, rng):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, size in rows:
        end = offset + bytes_of(size)
        header[name] = {"dtype": "BF16", "shape": list(size),
                        "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, size in rows:
            write_tensor(f, size, rng)


def config(shape):
    layers, width, heads, key_heads, head, ffn, vocabulary = shape
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama",
        "num_hidden_layers": layers, "hidden_size": width,
        "num_attention_heads": heads, "num_key_value_heads": key_heads,
        "head_dim": head, "intermediate_size": ffn, "vocab_size": vocabulary,
        "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0, "hidden_act": "silu",
        "tie_word_embeddings": True, "torch_dtype": "bfloat16",
    }


def write(out, shape_name, seed=1, tokenizer=None):
    shape = SHAPES[shape_name]
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(config(shape), indent=2) + "\n")
    rng = np.random.default_rng(seed)
    parts = list(shards(shape))
    index = {}
    for i, rows in enumerate(parts):
        name = f"model-{i + 1:05}-of-{len(parts):05}.safetensors"
        write_shard(out / name, rows, rng)
        index |= {tensor: name for tensor, _ in rows}
    total = sum(bytes_of(size) for _, size in tensors(shape))
    (out / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {"total_size": total}, "weight_map": index}, indent=1))
    for name in TOKENIZER_FILES if tokenizer else ():
        source = pathlib.Path(tokenizer) / name
        if source.exists():
            shutil.copy(source, out / name)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--shape", choices=sorted(SHAPES), required=True)
    parser.add_argument("--tokenizer")
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args()
    write(flags.out, flags.shape, flags.seed, flags.tokenizer)


if __name__ == "__main__":
    main()
