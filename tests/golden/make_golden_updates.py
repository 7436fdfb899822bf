#!/usr/bin/env python3
"""20 steps under each way of updating that is made against forgetting, as its
paper states it.

  make_golden_updates.py

Writes: update_trajectories.json oft_adapter/{adapter_config.json,
  adapter_model.safetensors}

The model is decoders/mistral (make_golden_decoders.py) in f32 on one thread.
Penalties, filters, draws and masks are written here from the formulas of the
papers, on an Adam of its own; rotations are PEFT's, and oft_adapter is what it
saves of them. Versions used: torch 2.11.0,
transformers 5.24.0, peft 0.21.2.
"""
import json
import os
import pathlib
import random
import shutil

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers as tf

from causal_steps import BATCH, STEPS, loss_of

torch.set_num_threads(1)
HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261201
BASE = "mistral"
RATE, DECAY, CLIP = 2e-3, 0.01, 1.0
BETAS, EPSILON = (0.9, 0.999), 1e-8
ALPHA = 0.3            # L2-SP
LAMBDA = 1.0           # EWC
EWC_STEPS = (6, 7, 7)  # of its three tasks
SHARE = 0.15           # MoFO
INTERVAL = 4           # LISA
FROZEN = 0.5           # SSU
DOC = ("24 random rows, the second half of each its targets; step s takes rows "
       "4*(s%6) .. 4*(s%6)+3, right-padded, loss = mean over the targets of the "
       "batch, AdamW(0.9, 0.999, eps 1e-8, weight decay 0.01), constant rate, "
       "gradient norm clipped at 1.0 (torch: scale = min(1, 1 / (norm + 1e-6))) "
       "behind penalties and masks. ewc: three tasks of 8 rows, 4 a step in "
       "turn.")


def make_rows(rng, count):
    rows = []
    for _ in range(count):
        ids = [rng.randrange(3, 97) for _ in range(rng.randrange(7, 18))]
        half = len(ids) // 2
        rows.append({"input_ids": ids, "labels": [-100] * half + ids[half:]})
    return rows


def load():
    return tf.AutoModelForCausalLM.from_pretrained(
        HERE / "decoders" / BASE, dtype=torch.float32,
        attn_implementation="eager").train()


class Adam:
    """AdamW, a tensor at a time; `select` says which elements move."""

    def __init__(self):
        self.state = {}

    def step(self, name, p, select=None):
        if name not in self.state:
            self.state[name] = [0, torch.zeros_like(p), torch.zeros_like(p)]
        state = self.state[name]
        state[0] += 1
        t, m, v = state
        m.mul_(BETAS[0]).add_(p.grad, alpha=1 - BETAS[0])
        v.mul_(BETAS[1]).add_(p.grad * p.grad, alpha=1 - BETAS[1])
        corrected = m / (1 - BETAS[0] ** t)
        root = (v / (1 - BETAS[1] ** t)).sqrt() + EPSILON
        moved = p * (1 - RATE * DECAY) - RATE * corrected / root
        p.copy_(moved if select is None else torch.where(select(m), moved, p))


def clip(parameters):
    return float(torch.nn.utils.clip_grad_norm_(parameters, CLIP))


def train(model, rows, steps, out, before_step=None, on_gradients=None,
          select=None, adam=None):
    """`steps` further steps; what they did goes to `out`."""
    adam = adam or Adam()
    named = dict(model.named_parameters())
    groups = len(rows) // BATCH
    for s in range(steps):
        if before_step:
            before_step(s, named, adam)
        first = BATCH * (s % groups)
        loss = loss_of(model, rows[first:first + BATCH])
        loss.backward()
        with torch.no_grad():
            if on_gradients:
                on_gradients(named)
            moving = {n: p for n, p in named.items() if p.grad is not None}
            out["grad_norms"].append(clip(list(moving.values())))
            for name, p in moving.items():
                adam.step(name, p, select(name) if select else None)
                p.grad = None
        out["losses"].append(loss.item())


def start():
    return load(), {"losses": [], "grad_norms": []}


def l2sp(rows, _):
    model, out = start()
    first = {n: p.detach().clone() for n, p in model.named_parameters()}

    def pull(named):
        for n, p in named.items():
            p.grad += ALPHA * (p - first[n])
    train(model, rows, STEPS, out, on_gradients=pull)
    return model, dict(out, alpha=ALPHA)


def ewc(rows, _):
    model, out = start()
    tasks = [rows[0:8], rows[8:16], rows[16:24]]
    penalties = []  # (fisher, weights) of each task that is past

    def hold(named):
        for n, p in named.items():
            for fisher, weights in penalties:
                p.grad += LAMBDA * fisher[n] * (p - weights[n])
    for task, steps in zip(tasks, EWC_STEPS):
        train(model, task, steps, out, on_gradients=hold)
        fisher = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
        for row in task:
            loss_of(model, [row], "sum").backward()
            for n, p in model.named_parameters():
                fisher[n] += p.grad ** 2 / len(task)
                p.grad = None
        penalties.append((fisher, {n: p.detach().clone()
                                   for n, p in model.named_parameters()}))
    return model, dict(out, **{"lambda": LAMBDA, "steps": EWC_STEPS})


def mofo(rows, _):
    model, out = start()

    def largest(name):
        def of(m):
            count = -(-m.numel() * 15 // 100)  # ceil(SHARE n)
            return m.abs() >= m.abs().flatten().topk(count).values[-1]
        return of
    train(model, rows, STEPS, out, select=largest)
    return model, dict(out, share=SHARE)


def lisa(rows, rng):
    model, out = start()
    layers = [rng.randrange(model.config.num_hidden_layers)
              for _ in range(-(-STEPS // INTERVAL))]

    def layer_of(name):
        parts = name.split(".")
        return int(parts[2]) if parts[1] == "layers" else None

    def draw(s, named, adam):
        if s % INTERVAL:
            return
        drawn = layers[s // INTERVAL]
        for n, p in named.items():
            moves = layer_of(n) in (None, drawn)
            p.requires_grad_(moves)
            if not moves:
                adam.state.pop(n, None)
    train(model, rows, STEPS, out, before_step=draw)
    return model, dict(out, interval=INTERVAL, layers=layers)


def ssu(rows, rng):
    model, out = start()
    general = make_rows(rng, 6)
    squares, maps = {}, {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            maps[name] = module
            squares[name] = torch.zeros(module.in_features,
                                        dtype=torch.float64)

    def listen(name):
        def hear(_, x):
            read = x[0].double().reshape(-1, x[0].shape[-1])
            squares[name] += read.square().sum(0)
        return hear
    handles = [module.register_forward_pre_hook(listen(name))
               for name, module in maps.items()]
    with torch.no_grad():
        for row in general:
            loss_of(model, [row])
    for handle in handles:
        handle.remove()
    frozen = {}
    for name, module in maps.items():
        score = module.weight.detach().double().abs().sum(0) * squares[
            name].sqrt()
        best = sorted(range(len(score)), key=lambda i: -score[i].item())
        frozen[name] = sorted(best[:int(FROZEN * len(score))])

    def mask(named):
        for name, columns in frozen.items():
            named[name + ".weight"].grad[:, columns] = 0

    def movable(name):
        def of(m):
            moves = torch.ones_like(m, dtype=torch.bool)
            if name.removesuffix(".weight") in frozen:
                moves[:, frozen[name.removesuffix(".weight")]] = False
            return moves
        return of
    train(model, rows, STEPS, out, on_gradients=mask, select=movable)
    return model, dict(out, general=general, frozen=frozen)


def rotations(rows, neumann):
    import peft
    model, out = start()
    model = peft.get_peft_model(model, peft.OFTConfig(
        task_type="CAUSAL_LM", r=0, oft_block_size=8, target_modules=[
            "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
            "down_proj"], use_cayley_neumann=neumann,
        num_cayley_neumann_terms=5))
    train(model.train(), rows, STEPS, out)
    return model, dict(out, block_size=8, neumann_terms=5 if neumann else 0)


def save(model, row, out):
    """The adapter's folder, and logits behind the row's last token."""
    folder = HERE / "oft_adapter"
    shutil.rmtree(folder, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = BASE
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    # PEFT keeps a set, whose order is the process's.
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2, sort_keys=True))
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits
    out["logits"] = logits[0, -1].tolist()


def oft(rows, _):
    return rotations(rows, True)


def oft_exact(rows, _):
    return rotations(rows, False)


def main():
    from importlib.metadata import version
    rng = random.Random(SEED)
    rows, heldout = make_rows(rng, 24), make_rows(rng, 4)
    runs = {}
    for run in (l2sp, ewc, mofo, lisa, ssu, oft, oft_exact):
        model, out = run(rows, random.Random(SEED + 1))
        with torch.no_grad():
            out["heldout_after"] = loss_of(model, heldout).item()
        if run is oft:
            save(model, heldout[0], out)
        out["trainable"] = sum(
            p.numel() for p in model.parameters()
            if p.requires_grad or run is lisa)
        print(run.__name__, out["losses"][0], "->", out["losses"][-1],
              out["heldout_after"], flush=True)
        runs[run.__name__] = out
    with torch.no_grad():
        before = loss_of(load(), heldout).item()
    made_by = {"script": "tests/golden/make_golden_updates.py", "seed": SEED,
               **{name: version(name)
                  for name in ("torch", "transformers", "peft")}}
    path = HERE / "update_trajectories.json"
    with open(path, "w", encoding="ascii") as f:
        f.write('{\n"made_by": %s,\n' % json.dumps(made_by))
        for key, value in (("doc", DOC), ("base", BASE), ("rate", RATE),
                           ("heldout_before", before)):
            f.write('"%s": %s,\n' % (key, json.dumps(value)))
        for key, value in (("rows", rows), ("heldout", heldout)):
            f.write('"%s": [\n' % key + ",\n".join(map(json.dumps, value)) +
                    "\n],\n")
        f.write('"runs": {\n' + ",\n".join(
            '"%s": %s' % (name, json.dumps(value))
            for name, value in runs.items()) + "\n}\n}\n")
    print(path, os.path.getsize(path))


if __name__ == "__main__":
    main()
