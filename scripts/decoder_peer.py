#!/usr/bin/env python3
"""The peers of a decoder run: TRL's SFTTrainer, or a plain PyTorch loop over
the same transformers module, on the very batches of a recorded run.

    sftbench batches RECORD > batches.jsonl
    decoder_peer.py MODEL_DIR batches.jsonl --path trl --method lora \
        --batching packed --dtype bf16 --out peer.json

--path   trl         SFTTrainer as it comes (activation checkpointing on)
         trl-best    the same without activation checkpointing
         bare        SDPA, no checkpointing, the head on target positions only,
                     fused AdamW, clipping at 1.0
Learning rates 2e-5 (full) and 2e-4 (lora, qlora), constant; LoRA of rank 16,
alpha 32 on all linear maps; AdamW without weight decay. MODEL_DIR is a Hugging
Face folder of the same weights (`sftbench export RECORD --merged`). Writes one
JSON object: losses, tokens and CPU seconds a step, seconds from the start of
the process to the first step begun and done, peak of resident memory.
"""

import argparse
import json
import os
import time


def process_start():
    """Seconds since the epoch at which this process was started."""
    with open("/proc/self/stat") as stat:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/uptime") as uptime:
        up = float(uptime.read().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def peak_bytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("batches")
    parser.add_argument("--path", choices=["trl", "trl-best", "bare"],
                        required=True)
    parser.add_argument("--adapter", help="a PEFT adapter folder to begin "
                        "with, instead of a draw of PEFT's")
    parser.add_argument("--method", choices=["full", "lora", "qlora"],
                        required=True)
    parser.add_argument("--batching", choices=["padded", "packed"],
                        required=True)
    parser.add_argument("--dtype", choices=["f32", "bf16"], required=True)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scratch", default="/tmp/decoder_peer")
    parser.add_argument("--out", required=True)
    return parser.parse_args()


ARGS = arguments()
START = process_start()
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch  # noqa: E402
import transformers  # noqa: E402

torch.set_num_threads(ARGS.threads)
torch.manual_seed(0)
transformers.utils.logging.set_verbosity_error()
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
          "down_proj"]
RATE = 2e-5 if ARGS.method == "full" else 2e-4
STEPS = []


def read_steps():
    """A list a step of (ids, labels) rows, packed rows in their order."""
    steps = {}
    with open(ARGS.batches) as lines:
        for line in lines:
            row = json.loads(line)
            steps.setdefault(row["step"], []).append(
                (row["input_ids"], row["labels"]))
    return [steps[key] for key in sorted(steps)]


def bins_of(rows):
    """Consecutive rows that share a bin of at most max_length tokens: the
    harness lays bins end to end, and any first row that does not fit begins
    the next one. Rows cut so are computed the same."""
    bins, room = [], 0
    for ids, labels in rows:
        if len(ids) > room:
            bins.append([])
            room = ARGS.max_length
        bins[-1].append((ids, labels))
        room -= len(ids)
    return bins


def load_model():
    from transformers import AutoModelForCausalLM
    compute = torch.bfloat16 if ARGS.dtype == "bf16" else torch.float32
    if ARGS.method == "qlora":
        from transformers import BitsAndBytesConfig
        config = BitsAndBytesConfig(load_in_4bit=True,
                                    bnb_4bit_quant_type="nf4",
                                    bnb_4bit_use_double_quant=True,
                                    bnb_4bit_compute_dtype=compute)
        return AutoModelForCausalLM.from_pretrained(
            ARGS.model, quantization_config=config, device_map={"": "cpu"},
            dtype=compute)
    frozen = ARGS.method == "lora"
    return AutoModelForCausalLM.from_pretrained(
        ARGS.model, dtype=compute if frozen else torch.float32)


def lora_config():
    from peft import LoraConfig
    return LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, bias="none",
                      target_modules=LINEAR, task_type="CAUSAL_LM")


def take_adapter(model):
    if not ARGS.adapter or ARGS.method == "full":
        return
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file
    found = set_peft_model_state_dict(
        model, load_file(f"{ARGS.adapter}/adapter_model.safetensors"))
    assert not found.unexpected_keys, found.unexpected_keys


def tensors_of(rows):
    """One step of the bare loop: ids, labels, positions, mask."""
    if ARGS.batching == "packed":
        bins = bins_of(rows)
    else:
        bins = [[row] for row in rows]
    width = max(sum(len(ids) for ids, _ in bin) for bin in bins)
    ids = torch.full((len(bins), width), 2)
    labels = torch.full((len(bins), width), -100)
    positions = torch.zeros(len(bins), width, dtype=torch.long)
    owner = torch.zeros(len(bins), width, dtype=torch.long)
    real = 0
    for b, members in enumerate(bins):
        at = 0
        for number, (row_ids, row_labels) in enumerate(members):
            end = at + len(row_ids)
            ids[b, at:end] = torch.tensor(row_ids)
            labels[b, at:end] = torch.tensor(row_labels)
            labels[b, at] = -100
            positions[b, at:end] = torch.arange(len(row_ids))
            owner[b, at:end] = number + 1
            at = end
        real += at
    if ARGS.batching == "packed":
        mask = ((owner[:, :, None] == owner[:, None, :]) &
                torch.ones(width, width, dtype=torch.bool).tril())[:, None]
        inputs = dict(input_ids=ids, position_ids=positions,
                      attention_mask=mask)
    else:
        inputs = dict(input_ids=ids, attention_mask=(owner > 0).long())
    return inputs, labels, real


def run_bare(model, steps):
    if ARGS.method != "full":
        import peft
        model = peft.get_peft_model(model, lora_config())
        take_adapter(model)
    core = model if ARGS.method == "full" else model.get_base_model()
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.0,
                                  fused=True)
    begun = time.time()
    for rows in steps:
        wall, cpu = time.time(), time.process_time()
        inputs, labels, real = tensors_of(rows)
        with torch.autocast("cpu", torch.bfloat16,
                            enabled=ARGS.dtype == "bf16"):
            hidden = core.model(**inputs,
                                use_cache=False).last_hidden_state[:, :-1]
            chosen = labels[:, 1:] != -100
            logits = core.lm_head(hidden[chosen])
            loss = torch.nn.functional.cross_entropy(
                logits.float(), labels[:, 1:][chosen])
        del logits
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        STEPS.append(dict(loss=loss.item(), real_tokens=real,
                          wall_seconds=time.time() - wall,
                          cpu_seconds=time.process_time() - cpu))
    return begun


def run_trl(model, steps):
    import datasets
    import trl
    from transformers import AutoTokenizer, TrainerCallback
    datasets.disable_progress_bars()
    packed = ARGS.batching == "packed"
    rows, batch = [], 0
    for step in steps:
        groups = bins_of(step) if packed else [[row] for row in step]
        batch = max(batch, len(groups))
        for group in groups:
            row = dict(input_ids=sum((ids for ids, _ in group), []),
                       labels=sum((labels for _, labels in group), []))
            if packed:
                row["seq_lengths"] = [len(ids) for ids, _ in group]
            rows.append(row)
    assert all(
        len(bins_of(step) if packed else step) == batch
        for step in steps[:-1]), "steps of unlike numbers of rows"
    config = trl.SFTConfig(
        output_dir=ARGS.scratch, max_length=ARGS.max_length, packing=packed,
        per_device_train_batch_size=batch, num_train_epochs=1,
        learning_rate=RATE, lr_scheduler_type="constant", warmup_steps=0,
        weight_decay=0.0, max_grad_norm=1.0, logging_steps=1,
        save_strategy="no", report_to=[], seed=0, bf16=ARGS.dtype == "bf16",
        use_cpu=True, disable_tqdm=True,
        train_sampling_strategy="sequential", dataloader_pin_memory=False,
        **({} if ARGS.path == "trl" else {"gradient_checkpointing": False}))
    dataset = datasets.Dataset.from_list(
        [{k: r[k] for k in ("input_ids", "labels")} for r in rows])
    trainer = trl.SFTTrainer(
        model=model, args=config, train_dataset=dataset,
        processing_class=AutoTokenizer.from_pretrained(ARGS.model),
        peft_config=None if ARGS.method == "full" else lora_config())
    take_adapter(trainer.model)
    # The trainer's own packing may order bins otherwise: these are given.
    if packed:
        trainer.train_dataset = datasets.Dataset.from_list(rows)
    now = {}
    compute_loss = trainer.compute_loss

    def watched(model, inputs, *rest, **named):
        mask = inputs.get("attention_mask")
        now["real"] = (int(mask.sum()) if mask is not None
                       else inputs["input_ids"].numel())
        out = compute_loss(model, inputs, *rest, **named)
        now["loss"] = (out[0] if isinstance(out, tuple) else out).item()
        return out

    trainer.compute_loss = watched

    class Clock(TrainerCallback):
        def on_train_begin(self, *_, **__):
            self.wall, self.cpu = time.time(), time.process_time()
            now["begun"] = self.wall

        def on_step_end(self, *_, **__):
            wall, cpu = time.time(), time.process_time()
            STEPS.append(dict(loss=now["loss"], real_tokens=now["real"],
                              wall_seconds=wall - self.wall,
                              cpu_seconds=cpu - self.cpu))
            self.wall, self.cpu = wall, cpu

    trainer.add_callback(Clock())
    trainer.train()
    return now["begun"]


def main():
    steps = read_steps()
    model = load_model()
    begun = (run_bare if ARGS.path == "bare" else run_trl)(model, steps)
    real = sum(step["real_tokens"] for step in STEPS)
    cpu = sum(step["cpu_seconds"] for step in STEPS)
    result = dict(
        path=ARGS.path, method=ARGS.method, batching=ARGS.batching,
        dtype=ARGS.dtype, losses=[step["loss"] for step in STEPS],
        tokens_per_cpu_second=real / cpu, steps=STEPS,
        peak_resident_bytes=peak_bytes(),
        seconds_to_first_step=begun - START,
        seconds_to_first_step_done=begun - START + STEPS[0]["wall_seconds"])
    with open(ARGS.out, "w") as out:
        json.dump(result, out)
        out.write("\n")


if __name__ == "__main__":
    main()
