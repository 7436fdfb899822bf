#!/usr/bin/env python3
"""Generation, likelihood scoring and perplexity beside their Python peers.

    side_by_side_eval.py --model HF_FOLDER --bench build/sftbench_bench \\
        --data DATA_FOLDER --out figures.h5 [--rounds 3] [--only gen/f32/1]

HF_FOLDER: the weights of the default model as transformers reads them
(`sftbench export`). Peers: transformers' generate() and model(labels=...),
lm-evaluation-harness' HFLM. Both sides read the same token ids, made here once
(hellaswag contexts and wikitext-2 of DATA_FOLDER), with one thread; a round
runs every measurement of both sides once, each in a process of its own, which
warms up once. Figures are units a CPU-second, so that other work on the machine
hardly moves them. The table has medians over rounds; the HDF5 file has every
figure: a table `figures`, and a digest of what was read.
Needs torch, transformers, h5py and lm_eval (bitsandbytes for NF4).
"""

import argparse
import gzip
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1",
                  HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

# Name -> (filter of sftbench_bench, unit, ratio wanted or None).
MEASURES = {
    "gen/f32/1": ("BM_GenerateGreedy/f32/1/", "new tokens", 2.0),
    "gen/f32/8": ("BM_GenerateGreedy/f32/8/", "new tokens", 2.0),
    "gen/bf16/1": ("BM_GenerateGreedy/bf16/1/", "new tokens", None),
    "gen/bf16/8": ("BM_GenerateGreedy/bf16/8/", "new tokens", None),
    "gen/nf4/1": ("BM_GenerateGreedy/nf4/1/", "new tokens", None),
    "gen/nf4/8": ("BM_GenerateGreedy/nf4/8/", "new tokens", None),
    "score/f32": ("BM_ScoreChoices/f32/", "choices", 2.0),
    "score/bf16": ("BM_ScoreChoices/bf16/", "choices", None),
    "ppl/f32": ("BM_Perplexity/f32/", "tokens", 1.3),
    "ppl/bf16": ("BM_Perplexity/bf16/", "tokens", None),
}


def read_questions(path, count):
    """[(context, [ending] * 4)] of a file of contexts, labels and endings."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        lines = text.read().split("\n")
    return [(lines[i], [" " + e for e in lines[i + 2:i + 6]])
            for i in range(0, 6 * count, 6)]


def make_inputs(args):
    from transformers import AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(args.model)

    def ids(text):
        return tokenizer(text, add_special_tokens=False).input_ids

    questions = read_questions(
        os.path.join(args.data, "hellaswag/val.txt.gz"), args.questions)
    with gzip.open(os.path.join(args.data, "wikitext2/wiki.test.raw.gz"), "rt",
                   encoding="utf-8") as text:
        stream = ids(text.read(40 * args.windows * args.window))
    windows = [stream[i * args.window:(i + 1) * args.window]
               for i in range(args.windows)]
    assert len(windows[-1]) == args.window, "too little text"
    return {
        "prompts": [ids(context) for context, _ in questions[:8]],
        "new_tokens": args.new_tokens,
        "questions": [{"context": ids(context),
                       "choices": [ids(e) for e in endings]}
                      for context, endings in questions],
        "windows": windows,
    }


# --- The peers, in processes of their own ------------------------------------


def load_peer(folder, form):
    import torch
    from transformers import AutoModelForCausalLM, logging
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    dtype = torch.float32 if form == "f32" else torch.bfloat16
    options = {}
    if form == "nf4":
        from transformers import BitsAndBytesConfig
        options = {
            "quantization_config": BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype),
            "device_map": {"": "cpu"}}
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype,
                                                **options).eval()


def generate(model, prompts, new_tokens):
    import torch
    longest = max(map(len, prompts))
    # Left pads, as generate() wants them.
    ids = torch.tensor([[2] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p)
                         for p in prompts])
    model.generation_config.eos_token_id = None
    out = model.generate(input_ids=ids, attention_mask=mask, do_sample=False,
                         max_new_tokens=new_tokens, pad_token_id=2)
    return out[:, longest:].tolist()


def run_peer(args):
    """Prints one JSON line: units, CPU seconds, wall seconds, the result."""
    import torch
    kind, form, *rest = args.peer.split("/")
    with open(args.inputs) as file:
        inputs = json.load(file)
    model = load_peer(args.model, form)
    if kind == "gen":
        batch, prompts = int(rest[0]), inputs["prompts"]

        def work():
            return [answer for i in range(0, len(prompts), batch)
                    for answer in generate(model, prompts[i:i + batch],
                                           inputs["new_tokens"])]
        units = len(prompts) * inputs["new_tokens"]
    elif kind == "score":
        from lm_eval.models.huggingface import HFLM
        from transformers import AutoTokenizer
        lm = HFLM(pretrained=model, batch_size=8, device="cpu", max_length=2048,
                  tokenizer=AutoTokenizer.from_pretrained(args.model))
        requests = [((str(q), str(k)), question["context"], choice)
                    for q, question in enumerate(inputs["questions"])
                    for k, choice in enumerate(question["choices"])]

        def work():
            scores = lm._loglikelihood_tokens(requests, disable_tqdm=True)
            return sum(score for score, _ in scores)
        units = len(requests)
    else:
        def work():
            nats = count = 0
            for window in inputs["windows"]:
                x = torch.tensor([window])
                nats += float(model(x, labels=x).loss) * (len(window) - 1)
                count += len(window) - 1
            return float(torch.tensor(nats / count).exp())
        units = sum(len(w) - 1 for w in inputs["windows"])
    work()
    wall, cpu = time.time(), time.process_time()
    result = work()
    print(json.dumps({"units": units, "cpu": time.process_time() - cpu,
                      "wall": time.time() - wall, "result": result}))


# --- Both sides --------------------------------------------------------------


def peer_figure(args, measure, inputs_path):
    out = subprocess.run(
        [sys.executable, __file__, "--peer", measure, "--model", args.model,
         "--inputs", inputs_path], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(f"{measure}: the peer failed\n{out.stderr}")
    return json.loads(out.stdout.strip().splitlines()[-1])


def our_figure(args, measure, inputs_path):
    out = subprocess.run(
        [args.bench, f"--benchmark_filter=^{MEASURES[measure][0]}",
         "--benchmark_format=json", "--benchmark_min_time=0.5"],
        capture_output=True, text=True,
        env={**os.environ, "SFTBENCH_EVAL_INPUTS": inputs_path})
    if out.returncode != 0:
        sys.exit(f"{measure}: sftbench_bench failed\n{out.stderr}")
    run = json.loads(out.stdout)["benchmarks"][0]
    if run.get("error_occurred"):
        sys.exit(f"{measure}: {run['error_message']}")
    cpu = run["cpu_time"] / 1000
    return {"units": round(run["items_per_second"] * cpu), "cpu": cpu,
            "wall": run["real_time"] / 1000,
            "result": run.get("sum_log_p", run.get("perplexity", 0.0))}


def write_figures(path, rows, inputs):
    import h5py
    import numpy
    text = h5py.string_dtype()
    kinds = numpy.dtype([("measure", text), ("side", text), ("round", "i4"),
                         ("units", "i8"), ("cpu_seconds", "f8"),
                         ("wall_seconds", "f8"), ("result", "f8")])
    with h5py.File(path, "w") as file:
        file.create_dataset("figures", data=numpy.array(rows, dtype=kinds))
        # What was read, without its text: the sets have licences.
        file.attrs["inputs_sha256"] = hashlib.sha256(
            json.dumps(inputs).encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--bench")
    parser.add_argument("--data")
    parser.add_argument("--out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--window", type=int, default=2000)
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(MEASURES),
                        choices=list(MEASURES))
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--inputs", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return run_peer(args)
    if not (args.bench and args.data and args.out):
        parser.error("--bench, --data and --out are needed")
    inputs = make_inputs(args)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "inputs.json")

        def save():
            with open(path, "w") as file:
                json.dump(inputs, file)
        inputs["answers"] = []
        save()
        if any(m.startswith("gen/") for m in args.only):
            # What ours must say, token for token.
            inputs["answers"] = peer_figure(args, "gen/f32/8", path)["result"]
            save()
        for number in range(args.rounds):
            for measure in args.only:
                for side, figure in (("ours", our_figure),
                                     ("peer", peer_figure)):
                    f = figure(args, measure, path)
                    result = f["result"]
                    if isinstance(result, list):
                        result = 0.0
                    rows.append((measure, side, number, f["units"], f["cpu"],
                                 f["wall"], result))
                    print(*rows[-1], file=sys.stderr, flush=True)
                write_figures(args.out, rows, inputs)
    print("| measure | unit per CPU-s | ours | peer | ratio | wanted |")
    print("|---|---|---|---|---|---|")
    for measure in args.only:
        def median(side):
            return statistics.median(
                r[3] / r[4] for r in rows if r[:2] == (measure, side))
        _, unit, wanted = MEASURES[measure]
        ours, peer = median("ours"), median("peer")
        print(f"| {measure} | {unit} | {ours:.2f} | {peer:.2f} | "
              f"{ours / peer:.2f} | {wanted or ''} |")


if __name__ == "__main__":
    main()
