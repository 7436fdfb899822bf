#!/usr/bin/env python3
"""scoring.json: choices, last words, labels and texts as lm-evaluation-harness
and transformers score them.

  SFTBENCH_DATA=DIR make_golden_scoring.py

Items are 200 rows of each set, evenly spaced over its file; of the data sets
only row numbers and figures are kept. Models, in f64 on a processor:
  bytes      scoring/bytes: random weights (SEED), a byte-level tokenizer
  bytes_bos  the same with a post-processor that writes <bos>
  stories    DIR/stories260k as a Hugging Face folder, Metaspace and <s>
all with max_position_embeddings 2048. `sums` are HFLM.loglikelihood of the
prompts that lm-eval's own templates write (HellaSwag: llama.cpp's form) with
" " + choice, `tokens` the tokens that this scored; label scores with_eos have
eos behind the label. A text has HFLM.loglikelihood_rolling, and transformers'
own sum over its tokens after BOS (`nll`, `count`) or, where the tokenizer
writes none, after its own first token.

Writes: scoring/scoring.json scoring/bytes/{config.json,model.safetensors,
  tokenizer.json,tokenizer_config.json}
"""
import ast
import gzip
import json
import logging
import os
import pathlib
import shutil
import struct
import sys
import tempfile
from importlib.metadata import version

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import lm_eval
import numpy as np
import torch
import transformers
import yaml
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.utils import apply_template
from safetensors.numpy import save_file

import make_golden_in_place as in_place

HERE = pathlib.Path(__file__).resolve().parent
TASKS = pathlib.Path(lm_eval.__file__).parent / "tasks"
SEED = 18
ITEMS = 200
POSITIONS = 2048
PAGES = 12  # texts


# --- Models ---------------------------------------------------------------

def write_bytes(folder):
    """A random Llama of two layers, bf16, with in_place's byte-level BPE."""
    tokenizer = in_place.byte_level()
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer["model"]["vocab"]), hidden_size=32,
        intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=POSITIONS,
        bos_token_id=2, eos_token_id=3, pad_token_id=0,
        tie_word_embeddings=True)
    torch.manual_seed(SEED)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.normal_(1.0, 0.2)
            else:
                p.normal_(0, 0.5 if "embed" in name else 0.3)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>",
         "eos_token": "<eos>", "pad_token": "<pad>"}))


def with_bos(source, folder):
    shutil.copytree(source, folder)
    root = json.loads((folder / "tokenizer.json").read_text())
    ids = {t["content"]: t["id"] for t in root["added_tokens"]}
    root["post_processor"] = in_place.template(ids, ["<bos>"], [])
    (folder / "tokenizer.json").write_text(json.dumps(root))


def write_stories(source, folder):
    """llama2.c's stories260K and its tokenizer, in Hugging Face's layout."""
    data = (source / "stories260K.bin").read_bytes()
    d, hidden, layers, heads, kv, vocab, _ = struct.unpack("7i", data[:28])
    flat = np.frombuffer(data[28:], "<f4")
    at = 0

    def take(*shape):
        nonlocal at
        size = int(np.prod(shape))
        at += size
        return flat[at - size:at].reshape(shape)

    def halves(w, n):  # rotated pairs stand side by side there
        o, i = w.shape
        return np.ascontiguousarray(
            w.reshape(n, o // n // 2, 2, i).transpose(0, 2, 1, 3)
        ).reshape(o, i)

    kv_width = d // heads * kv
    parts = {
        "embed": take(vocab, d), "input_layernorm": take(layers, d),
        "self_attn.q_proj": take(layers, d, d),
        "self_attn.k_proj": take(layers, kv_width, d),
        "self_attn.v_proj": take(layers, kv_width, d),
        "self_attn.o_proj": take(layers, d, d),
        "post_attention_layernorm": take(layers, d),
        "mlp.gate_proj": take(layers, hidden, d),
        "mlp.down_proj": take(layers, d, hidden),
        "mlp.up_proj": take(layers, hidden, d), "norm": take(d)}
    tensors = {"model.embed_tokens.weight": parts.pop("embed").copy(),
               "model.norm.weight": parts.pop("norm").copy()}
    for l in range(layers):
        for name, w in parts.items():
            x = w[l].copy()
            if "q_proj" in name:
                x = halves(x, heads)
            if "k_proj" in name:
                x = halves(x, kv)
            tensors[f"model.layers.{l}.{name}.weight"] = x
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(dict(
        architectures=["LlamaForCausalLM"], model_type="llama",
        vocab_size=vocab, hidden_size=d, intermediate_size=hidden,
        num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=kv, rms_norm_eps=1e-5, rope_theta=10000.0,
        max_position_embeddings=POSITIONS, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2)))

    data = (source / "tok512.bin").read_bytes()
    at, pieces = 4, []
    while at < len(data):
        score, size = struct.unpack("<fi", data[at:at + 8])
        pieces.append((data[at + 8:at + 8 + size], score))
        at += 8 + size
    special = ["<unk>", "<s>", "</s>"]
    names = special + ["<0x%02X>" % b for b in range(256)] + [
        p.decode("utf-8").replace(" ", "▁") for p, _ in pieces[259:]]
    ids = {n: i for i, n in enumerate(names)}
    merges = []
    for i in range(259, vocab):
        for k in range(1, len(names[i])):
            a, b = names[i][:k], names[i][k:]
            if a in ids and b in ids:
                merges.append((pieces[i][1], a, b))
    merges.sort(key=lambda m: -m[0])
    root = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            dict(id=i, content=t, single_word=False, lstrip=False,
                 rstrip=False, normalized=False, special=True)
            for i, t in enumerate(special)],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": None,
        "post_processor": in_place.template(ids, ["<s>"], []),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True,
                  "byte_fallback": True, "vocab": ids,
                  "merges": [[a, b] for _, a, b in merges]}}
    (folder / "tokenizer.json").write_text(
        json.dumps(root, ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>",
         "eos_token": "</s>", "unk_token": "<unk>"}))


# --- Items ------------------------------------------------------------------

def lines(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as f:
        return f.read().split("\n")


def template(path, field):
    """One field of a task of lm-eval, without what it includes."""
    class Loader(yaml.SafeLoader):
        pass
    Loader.add_constructor("!function", lambda *_: None)
    return yaml.load((TASKS / path).read_text(), Loader)[field]


def spaced(items):
    """(row number, item): ITEMS of them, evenly spaced."""
    step = len(items) // ITEMS
    return items[:step * ITEMS:step]


def llm_adapters(path, before, word, between):
    """Question, choices and the right one, as they were before they were
    joined."""
    out = []
    for number, line in enumerate(lines(path), 1):
        if not line:
            continue
        record = json.loads(line)
        text, form = record["instruction"].split("\n\nAnswer format: ")
        text = text.removeprefix(before)
        names = form.split("/")
        choices = []
        for k in range(len(names), 0, -1):
            mark = ("\n\n" if k == 1 else between) + f"{word}{k}: "
            text, choice = text.rsplit(mark, 1)
            choices.insert(0, choice)
        out.append((number, text, choices, names.index(record["answer"])))
    return spaced(out)


def arc(data):
    text = template("arc/arc_easy.yaml", "doc_to_text")
    rows = llm_adapters(
        data / "commonsense/arc_easy_test.jsonl.gz",
        "Please choose the correct answer to the question: ", "Answer", " ")
    return [(n, apply_template(text, {"question": q}), c, gold)
            for n, q, c, gold in rows]


def piqa(data):
    text = template("piqa/piqa.yaml", "doc_to_text")
    choice = template("piqa/piqa.yaml", "doc_to_choice")
    rows = llm_adapters(
        data / "commonsense/piqa_test.jsonl",
        "Please choose the correct solution to the question: ", "Solution",
        "\n\n")
    out = []
    for n, q, c, gold in rows:
        doc = {"goal": q, "sol1": c[0], "sol2": c[1]}
        out.append((n, apply_template(text, doc),
                    ast.literal_eval(apply_template(choice, doc)), gold))
    return out


def hellaswag(data):
    all_lines = lines(data / "hellaswag/val.txt.gz")
    items = [(i + 1, all_lines[i].strip(),
              [x.strip() for x in all_lines[i + 2:i + 6]],
              int(all_lines[i + 1]))
             for i in range(0, len(all_lines) - 5, 6)]
    return spaced(items)


def lambada(data):
    context = template("lambada/lambada_openai.yaml", "doc_to_text")
    target = template("lambada/lambada_openai.yaml", "doc_to_target")
    out = []
    for number, line in enumerate(lines(data / "lambada/test.jsonl.gz"), 1):
        if not line:
            continue
        doc = json.loads(line)
        out.append((number, apply_template(context, doc),
                    apply_template(target, doc), doc["text"]))
    # Those whose last word holds a line break too.
    broken = [x for x in out if "\n" in x[2]]
    return spaced([x for x in out if "\n" not in x[2]])[len(broken):] + broken


def sst2(data):
    out = []
    for number, line in enumerate(lines(data / "sst2/glue_dev.tsv"), 1):
        if number == 1 or not line:
            continue
        text, label = line.split("\t")
        prompt = "Review: " + " ".join(text.split()) + "\nSentiment:"
        out.append((number, prompt, ["negative", "positive"], int(label)))
    return spaced(out)


def pages(data):
    """(line of the file, its text)"""
    items = [(n, x) for n, x in
             enumerate(lines(data / "wikitext2/wiki.test.raw.gz"), 1)
             if 80 <= len(x) <= 900]
    step = len(items) // PAGES
    return items[:step * PAGES:step]


# --- Scores ----------------------------------------------------------------

def short(x):
    return float(f"{x:.7g}")


def request(kind, *args):
    return Instance(request_type=kind, doc={}, arguments=args, idx=0)


def likelihoods(lm, pairs):
    out = lm.loglikelihood([request("loglikelihood", *p) for p in pairs],
                           disable_tqdm=True)
    counts = [len(lm._encode_pair(*p)[1]) for p in pairs]
    return [(ll, greedy, n) for (ll, greedy), n in zip(out, counts)]


def score_choices(lm, rows):
    pairs = [(q, " " + c) for _, q, choices, _ in rows for c in choices]
    flat = iter(likelihoods(lm, pairs))
    sums, tokens, hits = [], [], np.zeros((len(rows), 3))
    for r, (_, _, choices, gold) in enumerate(rows):
        scored = [next(flat) for _ in choices]
        ll = np.array([s[0] for s in scored])
        sums.append([short(x) for x in ll])
        tokens.append([s[2] for s in scored])
        sizes = [np.ones(len(ll)), np.array([len(c) for c in choices]),
                 np.array([len(c.encode()) for c in choices])]
        hits[r] = [np.argmax(ll / s) == gold for s in sizes]
    mean = hits.mean(0)
    return {"acc": mean[0], "acc_norm": mean[1], "acc_bytes": mean[2],
            "sums": sums, "tokens": tokens}


def score_lambada(lm, rows):
    scored = likelihoods(lm, [(c, t) for _, c, t, _ in rows])
    return {"acc": float(np.mean([s[1] for s in scored])),
            "nats_per_token": short(-sum(s[0] for s in scored)
                                    / sum(s[2] for s in scored)),
            "sums": [short(s[0]) for s in scored],
            "tokens": [s[2] for s in scored],
            "greedy": [int(s[1]) for s in scored]}


def score_labels(lm, rows):
    out = score_choices(lm, rows)
    del out["acc_norm"], out["acc_bytes"]
    requests = []
    for _, prompt, labels, _ in rows:
        for label in labels:
            context, ids = lm._encode_pair(prompt, " " + label)
            requests.append((("", ""), context, ids + [lm.eot_token_id]))
    flat = lm._loglikelihood_tokens(requests, disable_tqdm=True)
    ended = np.array([x[0] for x in flat]).reshape(len(rows), -1)
    out["with_eos"] = [[short(x) for x in row] for row in ended]
    out["acc_with_eos"] = float(np.mean(
        ended.argmax(1) == [gold for _, _, _, gold in rows]))
    return out


def score_pages(lm, rows):
    rolling = lm.loglikelihood_rolling(
        [request("loglikelihood_rolling", text) for _, text in rows],
        disable_tqdm=True)
    nll, count = [], []
    for _, text in rows:
        ids = torch.tensor([lm.tokenizer(text)["input_ids"]])
        with torch.no_grad():
            logits = lm.model(ids).logits[0, :-1].double()
        log_p = logits.log_softmax(-1).gather(1, ids[0, 1:, None])
        nll.append(short(-float(log_p.sum())))
        count.append(ids.shape[1] - 1)
    return {"rolling": [short(x) for x in rolling], "nll": nll,
            "count": count}


def main():
    data = pathlib.Path(os.environ["SFTBENCH_DATA"])
    logging.disable(logging.WARNING)
    sets = {"arc_easy": arc(data), "hellaswag": hellaswag(data),
            "piqa": piqa(data), "lambada": lambada(data), "sst2": sst2(data),
            "wikitext2": pages(data)}
    scoring = HERE / "scoring"
    shutil.rmtree(scoring / "bytes", ignore_errors=True)
    (scoring / "bytes").mkdir(parents=True)
    write_bytes(scoring / "bytes")
    with tempfile.TemporaryDirectory() as d:
        tmp = pathlib.Path(d)
        with_bos(scoring / "bytes", tmp / "bytes_bos")
        write_stories(data / "stories260k", tmp / "stories")
        models = {}
        for name in ("bytes", "bytes_bos", "stories"):
            folder = scoring / name if name == "bytes" else tmp / name
            lm = HFLM(pretrained=str(folder), device="cpu", dtype="float64",
                      batch_size=16)
            assert lm.max_length == POSITIONS
            models[name] = {
                **{s: score_choices(lm, sets[s])
                   for s in ("arc_easy", "hellaswag", "piqa")},
                "lambada": score_lambada(lm, sets["lambada"]),
                "sst2": score_labels(lm, sets["sst2"]),
                "wikitext2": score_pages(lm, sets["wikitext2"])}
            print(name, {s: {k: v for k, v in x.items()
                             if not isinstance(v, list)}
                         for s, x in models[name].items()}, file=sys.stderr)

    def dump(x):
        return json.dumps(x, separators=(",", ":"))
    path = scoring / "scoring.json"
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s,\n"rows":{\n' % dump({
            "script": "tests/golden/make_golden_scoring.py", "seed": SEED,
            **{p: version(p) for p in ("lm_eval", "torch", "transformers",
                                       "tokenizers")}}))
        f.write(",\n".join('"%s":%s' % (k, dump([r[0] for r in v]))
                           for k, v in sets.items()))
        f.write('},\n"models":{\n')
        f.write(",\n".join(
            '"%s":{\n%s}' % (k, ",\n".join('"%s":%s' % (s, dump(x))
                                           for s, x in v.items()))
            for k, v in models.items()))
        f.write("}}\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
