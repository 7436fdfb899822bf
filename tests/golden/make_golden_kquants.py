#!/usr/bin/env python3
"""Random blocks of q5_0, q5_1 and q2_k to q6_k and their values, by a small
de-quantizer that goes element by element after ggml's block_q*; where the
package gguf is there, it has to agree bit for bit. Writes model_kquants.json.

Writes: model_kquants.json
"""
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261126
F = np.float32


def half(raw, at):
    return F(raw[at:at + 2].view(np.float16)[0])


def q5_0(raw):
    d, out = half(raw, 0), []
    for i in range(32):
        nibble = raw[6 + i % 16] >> 4 if i >= 16 else raw[6 + i] & 15
        fifth = (raw[2 + i // 8] >> (i % 8)) & 1
        out.append(F(int(nibble) + 16 * int(fifth) - 16) * d)
    return out


def six_bits(packed):
    """Scales and minima of the eight parts."""
    p = [int(b) for b in packed]
    scales = [b & 63 for b in p[:4]]
    minima = [b & 63 for b in p[4:8]]
    scales += [(p[8 + i] & 15) + ((p[i] >> 6) << 4) for i in range(4)]
    minima += [(p[8 + i] >> 4) + ((p[4 + i] >> 6) << 4) for i in range(4)]
    return scales, minima


def q45_k(raw, five):
    d, d_min = half(raw, 0), half(raw, 2)
    scales, minima = six_bits(raw[4:16])
    nibbles = raw[48:] if five else raw[16:]
    out = []
    for i in range(256):
        part, at = divmod(i, 32)
        byte = int(nibbles[(part // 2) * 32 + at])
        q = byte >> 4 if part % 2 else byte & 15
        if five:
            q += 16 * ((int(raw[16 + at]) >> part) & 1)
        out.append(F(d * F(scales[part])) * F(q) - F(d_min * F(minima[part])))
    return out


def q6_k(raw):
    d, out = half(raw, 208), []
    scales = raw[192:208].view(np.int8)
    for i in range(256):
        group, at = divmod(i, 128)
        quarter, byte = divmod(at, 32)
        low = int(raw[group * 64 + (quarter & 1) * 32 + byte])
        low = low >> 4 if quarter >= 2 else low & 15
        high = (int(raw[128 + group * 32 + byte]) >> (2 * quarter)) & 3
        q = low + 16 * high - 32
        out.append(F(d * F(scales[i // 16])) * F(q))
    return out


def q5_1(raw):
    d, m, out = half(raw, 0), half(raw, 2), []
    for i in range(32):
        nibble = raw[8 + i % 16] >> 4 if i >= 16 else raw[8 + i] & 15
        fifth = (raw[4 + i // 8] >> (i % 8)) & 1
        out.append(F(F(int(nibble) + 16 * int(fifth)) * d) + m)
    return out


def pair_of(codes, i):
    """Bit pair of element i: each half of the block has 32 bytes."""
    half_of, at = divmod(i, 128)
    return (int(codes[half_of * 32 + at % 32]) >> (2 * (at // 32))) & 3


def q2_k(raw):
    d, d_min, out = half(raw, 80), half(raw, 82), []
    for i in range(256):
        part = int(raw[i // 16])
        out.append(F(F(d * F(part & 15)) * F(pair_of(raw[16:80], i)))
                   - F(d_min * F(part >> 4)))
    return out


def q3_k(raw):
    d, out = half(raw, 108), []
    packed = [int(b) for b in raw[96:108]]
    scales = [(packed[j % 8] >> (4 * (j // 8))) & 15 for j in range(16)]
    scales = [s + 16 * ((packed[8 + j % 4] >> (2 * (j // 4))) & 3) - 32
              for j, s in enumerate(scales)]
    for i in range(256):
        high = (int(raw[i % 32]) >> (i // 32)) & 1
        q = pair_of(raw[32:96], i) - (0 if high else 4)
        out.append(F(d * F(scales[i // 16])) * F(q))
    return out


TYPES = {
    "q5_0": (6, 22, q5_0, (0,)),
    "q4_k": (12, 144, lambda raw: q45_k(raw, False), (0, 2)),
    "q5_k": (13, 176, lambda raw: q45_k(raw, True), (0, 2)),
    "q6_k": (14, 210, q6_k, (208,)),
    "q5_1": (7, 24, q5_1, (0, 2)),
    "q2_k": (10, 84, q2_k, (80, 82)),
    "q3_k": (11, 110, q3_k, (108,)),
}


def main():
    rng = np.random.default_rng(SEED)
    rows = {}
    for name, (number, size, dequantize, halves) in TYPES.items():
        blocks = rng.integers(0, 256, (3, size), dtype=np.uint8)
        for block, magnitude in zip(blocks, (0.01, 2.0, 3e-7)):
            for at in halves:
                scale = np.float16(rng.standard_normal() * magnitude)
                block[at:at + 2] = np.array([scale]).view(np.uint8)
        values = np.array([dequantize(b) for b in blocks], F).reshape(-1)
        try:
            import gguf
            other = gguf.quants.dequantize(
                blocks, gguf.GGMLQuantizationType(number)).reshape(-1)
            assert (other.view(np.uint32) == values.view(np.uint32)).all(), name
            print(name, "agrees with the package gguf")
        except ImportError:
            print(name, "not compared with the package gguf")
        rows[name] = {"id": number, "bytes": blocks.tobytes().hex(),
                      "values": [int(v) for v in values.view(np.uint32)]}
    (HERE / "model_kquants.json").write_text(json.dumps(
        {"made_by": {"script": "tests/golden/make_golden_kquants.py",
                     "numpy": np.__version__, "seed": SEED},
         "types": rows}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
