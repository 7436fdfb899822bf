"""What the makers of training trajectories have in common: the loss of a batch,
the adapters that they begin with, and steps of torch's AdamW."""
import numpy as np
import torch

from counter import uniform

STEPS, BATCH = 20, 4
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj",
           "gate_proj", "up_proj", "down_proj"]


def loss_of(model, batch, reduction="mean"):
    """Over the batch's targets; rows are right-padded to the longest."""
    longest = max(len(r["input_ids"]) for r in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full((len(batch), longest), -100)
    seen = torch.zeros(len(batch), longest, dtype=torch.long)
    for b, r in enumerate(batch):
        n = len(r["input_ids"])
        ids[b, :n] = torch.tensor(r["input_ids"])
        labels[b, :n] = torch.tensor(r["labels"])
        seen[b, :n] = 1
    logits = model(input_ids=ids, attention_mask=seen, use_cache=False).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]).float(),
        labels[:, 1:].reshape(-1), ignore_index=-100, reduction=reduction)


def load_nf4(folder):
    """bitsandbytes' NF4 with double quantization, computing in f32."""
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.float32)
    return AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, device_map={"": "cpu"},
        dtype=torch.float32)


def add_adapters(model):
    """PEFT's LoRA, r 16, alpha 32, on every map; A follows from a counter."""
    import peft
    model = peft.get_peft_model(model, peft.LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, bias="none",
        target_modules=TARGETS, task_type="CAUSAL_LM"))
    for name, p in model.named_parameters():
        if "lora_A" not in name:
            continue
        parts = name.split(".")
        place = next(i for i, t in enumerate(TARGETS) if t in parts)
        base = (int(parts[parts.index("layers") + 1]) * 7 + place) << 32
        bound = p.shape[1] ** 0.5
        p.data.copy_(torch.tensor([
            np.float32((2 * uniform(base + i) - 1) / bound)
            for i in range(p.numel())]).view_as(p))
    return model


def trajectory(model, rows, rate, name):
    """STEPS steps over rows 0..19 in turn, and the loss of rows 20..23 before
    and after. The model never leaves train mode: on some processors one
    eval-mode forward repacks 4-bit weights into a form that has no gradient."""
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, betas=(0.9, 0.999),
                                  eps=1e-8, weight_decay=0.01)
    out = {"losses": [], "grad_norms": []}
    with torch.no_grad():
        out["heldout_before"] = loss_of(model, rows[20:24]).item()
    for step in range(STEPS):
        first = BATCH * (step % 5)
        loss = loss_of(model, rows[first:first + BATCH])
        loss.backward()
        out["grad_norms"].append(
            float(torch.nn.utils.clip_grad_norm_(trained, 1.0)))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        out["losses"].append(loss.item())
        print(name, step, out["losses"][-1], out["grad_norms"][-1],
              flush=True)
    with torch.no_grad():
        out["heldout_after"] = loss_of(model, rows[20:24]).item()
    return out
