#!/usr/bin/env python3
"""in_place.json: joined texts as `tokenizers` and `transformers` encode them.

  make_golden_in_place.py [--out FILE]

Small tokenizers are trained here on made-up text (SEED) and changed one field
at a time into the forms that model folders have: byte-level, Metaspace with
its three schemes, the Prepend and Replace normalizer, Gemma's, Unigram; with
post-processors that write nothing, <bos>, or <bos> and <eos> (`before` and
`after` of a variant). Every case is a list of parts that are joined before they
are encoded; `alone` are the ids of each part by itself, where these differ.
Offsets are byte offsets. `flags` shows that transformers ignores add_bos_token
and add_eos_token of tokenizer_config.json beside a tokenizer.json.

Writes: in_place.json
"""
import argparse
import json
import os
import random
import tempfile
from importlib.metadata import version

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 18
SPECIAL = ["<pad>", "<unk>", "<bos>", "<eos>", "<end_of_turn>"]
WORDS = ("the of and to in river bright answer question is a cat dog time "
         "when they walked home again: yes no maybe 10 1 12 2024 été naïve "
         "größer слово дом 今日 天気 한국 مرحبا it's they're end. stop! "
         "(one) two, three").split()

# Parts that are joined: prompt and answer, turns of a chat, plain text.
CASES = [
    ["Question: is it bright?\nAnswer:", " yes"],
    ["Question: is it bright?\nAnswer: ", "yes"],
    ["Question: is it bright?\nAnswer:", "yes"],
    ["Question: is it bright?\nAnswer:  ", "yes"],
    ["the answer is", " 1"], ["the answer is", " 10"],
    ["the answer is 1", "0"], ["the answer is", ""], ["", "yes"],
    ["", " yes"], [" ", "yes"], ["  the cat", " walked"],
    ["the ri", "ver"], ["they", "'re home"], ["it'", "s time"],
    ["line\n", "\nbreak"], ["line\n\n", "yes"], ["tab\t", " end"],
    ["été na", "ïve"], ["größ", "er слово"], ["слово ", "дом"],
    ["今日", "天気"], ["今日 ", "天気。"], ["한국 ", "한국"],
    ["مرحبا", " مرحبا"], ["e", "\u0301te\u0301"], ["👍", "🏽 ok"],
    ["x\u00a0", "y"], ["a  b   ", "  c"], ["trailing   ", ""],
    ["<bos>", "the cat"], ["<bos> ", "the cat"], ["the cat", "<eos>"],
    ["the cat ", "<eos>", " the dog"], ["the cat<end_of_turn>", "\n", "yes"],
    ["<bos>user\nis it bright?<end_of_turn>\n<bos>model\n", "yes",
     "<end_of_turn>\n"],
    ["user: ", "they walked", "<eos>", "model: ", "no", "<eos>"],
    ["<bos", "> the"], ["▁the", "▁cat"], ["the▁", " cat"],
    ["Ġthe", " Ġcat"], ["<0x41>", "<0x0A>"], ["<unk>", " the <unk>"],
    ["q\x00", "\x01"], ["ﬁ ", "ﬂ ²"], ["...", "!!!"], ["((", "one)"],
    ["when they walked home again:", " maybe (one) two, three"],
]


def made_up_text():
    rng = random.Random(SEED)
    return [" ".join(rng.choice(WORDS) for _ in range(12)) for _ in range(600)]


def special(vocab):
    return [dict(id=vocab[t], content=t, single_word=False, lstrip=False,
                 rstrip=False, normalized=False, special=True)
            for t in SPECIAL]


def byte_level():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.train_from_iterator(made_up_text(), trainers.BpeTrainer(
        vocab_size=380, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    root = json.loads(tok.to_str())
    root["decoder"] = {"type": "ByteLevel", "add_prefix_space": True,
                       "trim_offsets": True, "use_regex": True}
    return root


def with_bytes(pieces):
    """Pieces with <0xNN> behind the special tokens."""
    return SPECIAL + ["<0x%02X>" % b for b in range(256)] + pieces


def metaspace():
    tok = Tokenizer(models.BPE(unk_token="<unk>"))
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.train_from_iterator(made_up_text(), trainers.BpeTrainer(
        vocab_size=190, special_tokens=SPECIAL, show_progress=False))
    root = json.loads(tok.to_str())
    old = root["model"]["vocab"]
    pieces = [t for t in sorted(old, key=old.get) if t not in SPECIAL]
    vocab = {t: i for i, t in enumerate(with_bytes(pieces))}
    root["model"].update(vocab=vocab, unk_token="<unk>", fuse_unk=True,
                         byte_fallback=True)
    root["added_tokens"] = special(vocab)
    return root


def unigram(byte_fallback):
    tok = Tokenizer(models.Unigram())
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.train_from_iterator(made_up_text(), trainers.UnigramTrainer(
        vocab_size=150, special_tokens=SPECIAL, unk_token="<unk>",
        show_progress=False))
    root = json.loads(tok.to_str())
    pieces = root["model"]["vocab"]
    if byte_fallback:
        pieces = (pieces[:len(SPECIAL)]
                  + [["<0x%02X>" % b, 0.0] for b in range(256)]
                  + pieces[len(SPECIAL):])
    pieces = [[t, round(s, 6)] for t, s in pieces]
    root["model"].update(vocab=pieces, byte_fallback=byte_fallback)
    root["added_tokens"] = special({t: i for i, (t, _) in enumerate(pieces)})
    return root


def template(ids, before, after):
    def token(t):
        return {"SpecialToken": {"id": t, "type_id": 0}}
    a = {"Sequence": {"id": "A", "type_id": 0}}
    single = [token(t) for t in before] + [a] + [token(t) for t in after]
    pair = single + [{"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]}
                               for t in before + after}}


def variants(bases):
    def ids(base):
        return {t["content"]: t["id"] for t in bases[base]["added_tokens"]}

    def bos(base):
        return template(ids(base), ["<bos>"], [])

    def both(base):
        return template(ids(base), ["<bos>"], ["<eos>"])

    def meta(scheme, split):
        return {"type": "Metaspace", "replacement": "▁",
                "prepend_scheme": scheme, "split": split}

    def replace(content):
        return {"type": "Replace", "pattern": {"String": " "},
                "content": content}

    level = {"type": "ByteLevel", "add_prefix_space": False,
             "trim_offsets": True, "use_regex": True}
    llama = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, replace("▁")]}
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    rows = [
        ("byte_level", "byte_level", {}),
        ("byte_level_bos", "byte_level",
         {"post_processor": bos("byte_level")}),
        ("byte_level_bos_eos", "byte_level",
         {"post_processor": both("byte_level")}),
        ("byte_level_prefix", "byte_level",
         {"pre_tokenizer": {**level, "add_prefix_space": True}}),
        ("byte_level_llama3", "byte_level",
         {"post_processor": {"type": "Sequence", "processors": [
             {**level, "add_prefix_space": True, "trim_offsets": False},
             bos("byte_level")]}}),
        ("llama2", "metaspace", {"normalizer": llama, "pre_tokenizer": None,
                                 "post_processor": bos("metaspace")}),
        ("metaspace_always", "metaspace",
         {"pre_tokenizer": meta("always", True),
          "post_processor": bos("metaspace")}),
        ("metaspace_first", "metaspace",
         {"pre_tokenizer": meta("first", False),
          "post_processor": bos("metaspace")}),
        ("metaspace_never", "metaspace",
         {"pre_tokenizer": meta("never", True)}),
        ("gemma", "metaspace",
         {"normalizer": replace("▁"),
          "pre_tokenizer": {"type": "Split", "pattern": {"String": " "},
                            "behavior": "MergedWithPrevious",
                            "invert": False},
          "post_processor": both("metaspace")}),
        ("unigram_always", "unigram",
         {"pre_tokenizer": meta("always", True),
          "post_processor": template(ids("unigram"), [], ["<eos>"])}),
        ("unigram_first", "unigram",
         {"pre_tokenizer": meta("first", False),
          "post_processor": both("unigram")}),
        ("unigram_never", "unigram",
         {"pre_tokenizer": meta("never", True)}),
        ("unigram_nfkc", "unigram",
         {"normalizer": {"type": "Sequence",
                         "normalizers": [{"type": "NFKC"}, spaces]},
          "pre_tokenizer": meta("always", True),
          "post_processor": bos("unigram")}),
        ("unigram_bytes", "unigram_bytes",
         {"pre_tokenizer": meta("always", True),
          "post_processor": bos("unigram_bytes")}),
    ]
    return rows


def byte_offsets(text, offsets):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode("utf-8")))
    return [[at[b], at[e]] for b, e in offsets]


def encode_cases(tok, before, after):
    out = []
    for i, parts in enumerate(CASES):
        text = "".join(parts)
        plain = tok.encode(text, add_special_tokens=False)
        full = tok.encode(text, add_special_tokens=True)
        case = {"parts": i, "ids": plain.ids,
                "offsets": byte_offsets(text, plain.offsets)}
        assert full.ids == before + plain.ids + after, text
        alone = [tok.encode(p, add_special_tokens=False).ids for p in parts]
        if sum(alone, []) != plain.ids:
            case["alone"] = alone
        out.append(case)
    return out


def flags(bases):
    """What AutoTokenizer adds, by class, flag and post-processor."""
    out = []
    for name, base, change in variants(bases):
        if name not in ("byte_level", "byte_level_bos", "llama2"):
            continue
        root = {**bases[base], **change}
        for cls in ("PreTrainedTokenizerFast", "LlamaTokenizerFast"):
            for flag in ({}, {"add_bos_token": True},
                         {"add_bos_token": False},
                         {"add_bos_token": True, "add_eos_token": True}):
                config = {"tokenizer_class": cls, "bos_token": "<bos>",
                          "eos_token": "<eos>", "unk_token": "<unk>", **flag}
                with tempfile.TemporaryDirectory() as d:
                    for file, content in (
                            ("tokenizer.json", root),
                            ("tokenizer_config.json", config),
                            ("config.json", {"model_type": "llama"})):
                        with open(os.path.join(d, file), "w") as f:
                            json.dump(content, f)
                    tok = transformers.AutoTokenizer.from_pretrained(d)
                    out.append({"variant": name, "config": config,
                                "text": "the cat",
                                "ids": tok("the cat")["input_ids"]})
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(HERE, "in_place.json"))
    args = parser.parse_args()
    bases = {"byte_level": byte_level(), "metaspace": metaspace(),
             "unigram": unigram(False), "unigram_bytes": unigram(True)}

    def dump(x):
        return json.dumps(x, ensure_ascii=True, separators=(",", ":"))
    with open(args.out, "w", encoding="ascii") as f:
        f.write('{"made_by":%s,\n"parts":[\n' % dump({
            "script": "tests/golden/make_golden_in_place.py",
            "tokenizers": version("tokenizers"),
            "transformers": version("transformers"), "seed": SEED}))
        f.write(",\n".join(dump(c) for c in CASES))
        f.write('],\n"bases":{\n')
        f.write(",\n".join('"%s":%s' % (k, dump(v)) for k, v in bases.items()))
        f.write('},\n"variants":[\n')
        rows = []
        for name, base, change in variants(bases):
            tok = Tokenizer.from_str(json.dumps({**bases[base], **change}))
            letter = tok.encode("a", add_special_tokens=False).ids
            around = tok.encode("a").ids
            at = around.index(letter[0])
            before, after = around[:at], around[at + len(letter):]
            cases = ",\n".join(dump(c)
                               for c in encode_cases(tok, before, after))
            rows.append('{"name":"%s","base":"%s","before":%s,"after":%s,\n'
                        '"change":%s,"cases":[\n%s]}'
                        % (name, base, before, after, dump(change), cases))
        f.write(",\n".join(rows))
        f.write('],\n"flags":[\n')
        f.write(",\n".join(dump(c) for c in flags(bases)))
        f.write("]}\n")
    print(args.out, os.path.getsize(args.out))


if __name__ == "__main__":
    main()
