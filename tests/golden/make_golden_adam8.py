#!/usr/bin/env python3
"""adam8.json: five steps of bitsandbytes' AdamW8bit on a CPU.

Versions used: bitsandbytes 0.50.2, torch 2.11.0; one thread. Weights and
gradients follow from a counter (values() below; the test has the same), with a
block of zeros, one with an outlier, and a last block that is not full.

Writes: adam8.json
"""
import hashlib
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from counter import uniform

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = {"large": 5000, "small": 2000}  # below 4096: f32 moments
STEPS = 5
EVERY = 61  # weights kept


def values(seed, n):
    """(u1 + u2 + u3 - 1.5) / 20 of three uniforms."""
    return torch.tensor([
        np.float32(((uniform(3 * k) + uniform(3 * k + 1)) + uniform(3 * k + 2)
                    - 1.5) * 0.05)
        for k in range(seed << 20, (seed << 20) + n)])


def gradient(step, n):
    g = values(2 + step, n)
    if step < 3:
        g[256:512] = 0
    g[600] *= 1000
    return g


def sha(t):
    return hashlib.sha256(t.contiguous().numpy().tobytes()).hexdigest()


def main():
    from importlib.metadata import version

    import bitsandbytes as bnb
    import bitsandbytes.functional as F
    out = {
        "made_by": {"script": "make_golden_adam8.py",
                    **{n: version(n) for n in ("torch", "bitsandbytes")}},
        "unsigned_code256": F.create_dynamic_map(signed=False).tolist(),
        "learning_rate": 1e-3, "weight_decay": 0.1, "every": EVERY}
    for name, n in SIZES.items():
        p = torch.nn.Parameter(values(1, n))
        optimizer = bnb.optim.AdamW8bit([p], lr=out["learning_rate"],
                                        weight_decay=out["weight_decay"])
        steps = []
        for step in range(1, STEPS + 1):
            p.grad = gradient(step, n)
            row = {"gradient": sha(p.grad)}
            optimizer.step()
            state = optimizer.state[p]
            if name == "large":
                row |= {"exp_avg": sha(state["state1"]),
                        "exp_avg_sq": sha(state["state2"]),
                        "exp_avg_absmax": sha(state["absmax1"]),
                        "exp_avg_sq_absmax": sha(state["absmax2"])}
            row["weights"] = p.detach()[::EVERY].tolist()
            steps.append(row)
        out[name] = {"n": n, "steps": steps}
    path = os.path.join(HERE, "adam8.json")
    with open(path, "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")
    print(path, os.path.getsize(path))


if __name__ == "__main__":
    main()
