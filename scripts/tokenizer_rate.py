#!/usr/bin/env python3
"""Our tokenizers' speed over that of `tokenizers`, on one thread, by kind.

  tokenizer_rate.py BENCH [TEXT]     BENCH: build/sftbench_bench

Both encode the paragraphs of TEXT (else README.md), without offsets, the word
caches of both warm: `encode_batch_fast` there. A tokenizer.model is run by
`sentencepiece`. Time is the CPU's. Needs `tokenizers` (0.23.3) and
`sentencepiece` (0.2.3); SFTBENCH_DATA and assets/ for the real ones. Prints
MB/s and the ratio.
"""
import base64
import gzip
import json
import os
import subprocess
import sys
import time

os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")

import sentencepiece as spm
from tokenizers import Tokenizer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def best_seconds(function, texts):
    function(texts)
    seconds = []
    while len(seconds) < 5 or sum(seconds) < 1:
        begin = time.process_time()
        function(texts)
        seconds.append(time.process_time() - begin)
    return min(seconds)


def of_json(text):
    tok = Tokenizer.from_str(text)
    return lambda texts: tok.encode_batch_fast(texts, add_special_tokens=False)


def of_model(model):
    sp = spm.SentencePieceProcessor(model_proto=model)
    return lambda texts: sp.encode(texts, num_threads=1)


def libraries():
    """Name as in tests/bench/tokenizer_bench.cc, and what encodes a list."""
    with open(os.path.join(ROOT, "tests/golden/tokenizers.json")) as f:
        golden = json.load(f)
    files = golden["files"]
    for kind in golden["kinds"]:
        if "json" in kind:
            root = {**files[kind["json"]], **kind["pipeline"]}
            yield kind["name"], of_json(json.dumps(root))
        elif "model" in kind:
            yield kind["name"], of_model(base64.b64decode(files[kind["model"]]))
    data = os.path.join(os.environ.get("SFTBENCH_DATA", ""), "tokenizers")
    for name, path in [
            ("llama2 tokenizer.model", data + "/llama2/tokenizer.model"),
            ("gpt2 tokenizer.json", data + "/gpt2/tokenizer.json.gz"),
            ("minilm tokenizer.json", os.environ.get(
                "SFTBENCH_ASSETS", ROOT + "/assets") +
             "/models/minilm-l6/tokenizer.json")]:
        if not os.path.exists(path):
            continue
        if path.endswith(".model"):
            with open(path, "rb") as f:
                yield "real, " + name, of_model(f.read())
        else:
            with (gzip.open if path.endswith(".gz") else open)(
                    path, "rt", encoding="utf-8") as f:
                root = json.load(f)
            root["truncation"] = root["padding"] = None
            yield "real, " + name, of_json(json.dumps(root))


def main(bench, text=os.path.join(ROOT, "README.md")):
    with open(text, encoding="utf-8") as f:
        texts = [t for t in f.read().split("\n\n") if t]
    size = sum(len(t.encode("utf-8")) for t in texts)
    out = subprocess.run(
        [bench, "--benchmark_filter=BM_Tokenizer/", "--benchmark_format=json"],
        env={**os.environ, "SFTBENCH_TOKENIZE_TEXT": text,
             "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, check=True).stdout
    ours = {b["name"].split("/", 1)[1]: b.get("bytes_per_second")
            for b in json.loads(out)["benchmarks"]}
    print(f"{'kind':40} {'ours MB/s':>10} {'library':>10} {'ratio':>6}")
    for name, encode in libraries():
        if not ours.get(name):
            continue
        theirs = size / best_seconds(encode, texts)
        print(f"{name:40} {ours[name] / 1e6:10.1f} {theirs / 1e6:10.1f} "
              f"{ours[name] / theirs:6.2f}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
