#!/usr/bin/env python3
"""Turns glassllm's English model into a Hugging Face Llama folder.

    convert_glassllm.py SOURCE OUT

SOURCE holds `en.npz` and `en.tokenizer.json` of the PyPI package glassllm.
OUT gets config.json, model.safetensors (float32), tokenizer.json and
tokenizer_config.json. The matrices are transposed to [out, in], and the rows of
q and k are un-interleaved: glassllm rotates the pairs (2i, 2i+1), Llama rotates
(i, i + width/2).
"""

import json
import pathlib
import struct
import sys

import numpy as np

SPACE = "\u2581"
SPECIALS = ["<pad>", "<unk>", "<bos>", "<eos>"]


def to_rotate_half(weight_IO, heads):
    """[in, out] with interleaved pairs -> [out, in] with half-split pairs."""
    weight_OI = weight_IO.T
    out, width = weight_OI.shape
    pairs = weight_OI.reshape(heads, out // heads // 2, 2, width)
    return pairs.transpose(0, 2, 1, 3).reshape(out, width)


def llama_tensors(arrays, config):
    tensors = {"model.embed_tokens.weight": arrays["E"]}
    for i in range(config["n_layers"]):
        theirs = f"blocks.{i}."
        ours = f"model.layers.{i}."
        q = to_rotate_half(arrays[theirs + "attn.W_Q"], config["n_heads"])
        k = to_rotate_half(arrays[theirs + "attn.W_K"], config["n_kv_heads"])
        tensors |= {
            ours + "input_layernorm.weight": arrays[theirs + "norm1.gamma"],
            ours + "self_attn.q_proj.weight": q,
            ours + "self_attn.k_proj.weight": k,
            ours + "self_attn.v_proj.weight": arrays[theirs + "attn.W_V"].T,
            ours + "self_attn.o_proj.weight": arrays[theirs + "attn.W_O"].T,
            ours + "post_attention_layernorm.weight":
                arrays[theirs + "norm2.gamma"],
            ours + "mlp.gate_proj.weight": arrays[theirs + "ffn.W1"].T,
            ours + "mlp.up_proj.weight": arrays[theirs + "ffn.W3"].T,
            ours + "mlp.down_proj.weight": arrays[theirs + "ffn.W2"].T,
        }
    tensors["model.norm.weight"] = arrays["norm_f.gamma"]
    return tensors


def write_safetensors(path, tensors):
    header = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + 4 * tensor.size],
        }
        offset += 4 * tensor.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)))
        f.write(text)
        for tensor in tensors.values():
            f.write(np.ascontiguousarray(tensor, dtype="<f4").tobytes())


def write_json(path, value):
    text = json.dumps(value, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def hf_config(config, hidden):
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": SPECIALS.index("<bos>"),
        "eos_token_id": SPECIALS.index("<eos>"),
        "head_dim": config["d_model"] // config["n_heads"],
        "hidden_act": "silu",
        "hidden_size": config["d_model"],
        "initializer_range": config["init_std"],
        "intermediate_size": hidden,
        "max_position_embeddings": config["max_len"],
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": config["n_heads"],
        "num_hidden_layers": config["n_layers"],
        "num_key_value_heads": config["n_kv_heads"],
        "pad_token_id": SPECIALS.index("<pad>"),
        "rms_norm_eps": config["eps"],
        "rope_scaling": None,
        "rope_theta": config["rope_base"],
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "use_cache": True,
        "vocab_size": config["vocab_size"],
    }


def hf_tokenizer(source):
    """The package's character BPE as `tokenizers` writes a tokenizer.json.

    A chunk is a newline, or spaces and the word after them, or spaces alone;
    merges do not cross chunks.
    """
    tokens = SPECIALS + source["alphabet"]
    tokens += [a + b for a, b in source["merges"]]
    # Two merges may spell the same token; as in the package, the last id is it.
    vocab = {token: i for i, token in enumerate(tokens)}
    added = [{
        "id": i, "content": token, "single_word": False, "lstrip": False,
        "rstrip": False, "normalized": False, "special": True,
    } for i, token in enumerate(SPECIALS)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
        ]},
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": f"\\n|{SPACE}*[^{SPACE}\\n]+|{SPACE}+"},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
            {"type": "Fuse"},
        ]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>",
            "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocab,
            "merges": source["merges"],
        },
    }


TOKENIZER_CONFIG = {
    "add_bos_token": False,
    "add_eos_token": False,
    "bos_token": "<bos>",
    "clean_up_tokenization_spaces": False,
    "eos_token": "<eos>",
    "model_max_length": 128,
    "pad_token": "<pad>",
    "tokenizer_class": "PreTrainedTokenizerFast",
    "unk_token": "<unk>",
}


def main():
    source, out = map(pathlib.Path, sys.argv[1:])
    with np.load(source / "en.npz") as data:
        config = json.loads(str(data["__config__"]))
        arrays = {name: data[name].astype(np.float32)
                  for name in data.files if name != "__config__"}
    tokenizer = json.loads((source / "en.tokenizer.json").read_text("utf-8"))
    tensors = llama_tensors(arrays, config)
    hidden = tensors["model.layers.0.mlp.gate_proj.weight"].shape[0]

    out.mkdir(parents=True)
    write_json(out / "config.json", hf_config(config, hidden))
    write_safetensors(out / "model.safetensors", tensors)
    write_json(out / "tokenizer.json", hf_tokenizer(tokenizer))
    write_json(out / "tokenizer_config.json", TOKENIZER_CONFIG)


if __name__ == "__main__":
    main()
