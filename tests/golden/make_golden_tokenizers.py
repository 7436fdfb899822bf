#!/usr/bin/env python3
"""A thousand strings through every kind of tokenizer, by the libraries.

  make_golden_tokenizers.py --data DIR [--out DIR] [--show KIND N]

tokenizers.json holds the strings (fuzz_strings.py), small tokenizers trained
here, and for each kind and string three digests of four hex digits: of the
ids, of the offsets, of the decoded text. --show prints what they were made of.
  tokenizer.json   by `tokenizers`
  tokenizer.model  by `sentencepiece`: between control symbols and added tokens
                   its ids; of offsets where tokens begin, and the last end
  gguf             scores: as tokenizer.model with the prefix in every section;
                   merges: by `tokenizers`, with the pre_tokenizer that the
                   models' tokenizer.json have, on the first 300 strings
Libraries: tokenizers 0.23.3, sentencepiece 0.2.3.

Writes: tokenizers.json
"""
import argparse
import base64
import gzip
import hashlib
import io
import itertools
import json
import os
import tempfile
from importlib.metadata import version

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers as pre
from tokenizers import trainers

import fuzz_strings
import text_strings

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT, FEW = 1000, 300
RULES = """\
FF21\t41
FF22\t42
FF41\t61
FB01\t66 69
65 301\tE9
41 30A\tC5
212B\tC5
9\t20
A\t20
D A\t20
D\t20
A0\t20
3000\t20
2003\t20
200B\t
AD\t
2026\t2E 2E 2E
2460\t31
BD\t31 2044 32
1100 1161\tAC00
1100 1161 11A8\tAC01
"""


def digest(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:4]


def corpus():
    """Few scripts: each character takes a piece of the small vocabularies."""
    lines = [s.replace("\x00", "").replace("\n", " ")
             for s in text_strings.HAND_PICKED
             if max(s, default="") < "\u0500" or "好" in s]
    with open(os.path.join(HERE, "../../LICENSE"), encoding="utf-8") as f:
        lines += f.read().splitlines()
    return [line for line in lines if line.strip()]


def byte_offsets(text, offsets):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode("utf-8")))
    return [(at[b], at[e]) for b, e in offsets]


def by_tokenizers(tok, text):
    e = tok.encode(text, add_special_tokens=False)
    offsets = " ".join("%d-%d" % o for o in byte_offsets(text, e.offsets))
    return e.ids, offsets, tok.decode(e.ids, skip_special_tokens=False)


class Pieces:
    """A SentencePiece model between added tokens."""

    def __init__(self, model, added=(), prefix="first"):
        proto = pb.ModelProto()
        proto.ParseFromString(model)
        self.sp = spm.SentencePieceProcessor(model_proto=model)
        proto.normalizer_spec.add_dummy_prefix = False
        self.bare = spm.SentencePieceProcessor(
            model_proto=proto.SerializeToString())
        self.prefix = prefix
        self.added = {p.piece: i for i, p in enumerate(proto.pieces)
                      if p.type == 3}
        self.added.update(added)

    def sections(self, text):
        """(begin, end, id or None), leftmost and longest."""
        done = at = 0
        while at < len(text):
            found = max((t for t in self.added if text.startswith(t, at)),
                        key=len, default=None)
            if found is None:
                at += 1
                continue
            if done < at:
                yield done, at, None
            yield at, at + len(found), self.added[found]
            done = at = at + len(found)
        if done < len(text):
            yield done, len(text), None

    def __call__(self, text):
        ids, begins, end = [], [], 0
        for b, e, token in self.sections(text):
            base = len(text[:b].encode("utf-8"))
            if token is not None:
                ids.append(token)
                begins.append(base)
                end = base + len(text[b:e].encode("utf-8"))
                continue
            prefixed = self.prefix == "every" or b == 0
            proto = (self.sp if prefixed else self.bare).encode(
                text[b:e], return_type="proto")
            for p in proto.pieces:
                ids.append(p.id)
                begins.append(base + p.begin)
                end = base + p.end
        # Left out of a text here where it is a special token.
        left_out = self.added.get("<unk>", self.sp.get_piece_size())
        known = all(i < self.sp.get_piece_size() and i != left_out for i in ids)
        return (ids, " ".join(map(str, begins + [end])) if ids else "",
                self.sp.decode(ids) if known else None)


def train_pieces(**options):
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write(RULES)
        rules.flush()
        if options.pop("rules", False):
            options["normalization_rule_tsv"] = rules.name
        spm.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()), model_writer=out,
            hard_vocab_limit=False, num_threads=1, minloglevel=2, **options)
    proto = pb.ModelProto()
    proto.ParseFromString(out.getvalue())
    # What decides nothing of ids, and names this machine's files.
    proto.trainer_spec.ClearField("input")
    proto.trainer_spec.ClearField("model_prefix")
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    return proto.SerializeToString()


def merges_of(proto):
    """Scores as merges, as a converted tokenizer.json has them."""
    normal = {p.piece: (-p.score, i) for i, p in enumerate(proto.pieces)
              if p.type == 1}
    merges = []
    for piece, rank in normal.items():
        for k in range(1, len(piece)):
            if piece[:k] in normal and piece[k:] in normal:
                merges.append((rank, piece[:k], piece[k:]))
    return [(a, b) for _, a, b in sorted(merges)]


def scored_json(model, form):
    proto = pb.ModelProto()
    proto.ParseFromString(model)
    tok = Tokenizer(models.BPE(
        {p.piece: i for i, p in enumerate(proto.pieces)}, merges_of(proto),
        unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    back = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if form == "prepend":
        tok.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        back.append(decoders.Strip(" ", 1, 0))
    elif form == "metaspace":
        tok.pre_tokenizer = pre.Metaspace("▁", prepend_scheme="first",
                                          split=False)
        back.append(decoders.Strip(" ", 1, 0))
    else:
        tok.normalizer = normalizers.Replace(" ", "▁")
        tok.pre_tokenizer = pre.Split(" ", "merged_with_previous")
    tok.decoder = decoders.Sequence(back)
    tok.add_special_tokens(["<s>", "</s>", "<unk>"])
    return tok


def unigram_json(model, form):
    proto = pb.ModelProto()
    proto.ParseFromString(model)
    tok = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces],
                                   unk_id=0, byte_fallback=form == "bytes"))
    charsmap = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    tok.normalizer = normalizers.Sequence(
        [charsmap, normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre.Metaspace("▁", prepend_scheme="always")
    if form == "words":
        tok.normalizer = charsmap
        tok.pre_tokenizer = pre.Sequence([pre.WhitespaceSplit(),
                                          tok.pre_tokenizer])
    tok.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    if form == "bytes":
        tok.decoder = decoders.Sequence([decoders.ByteFallback(), tok.decoder])
    tok.add_special_tokens(["<s>", "</s>", "<unk>", "<pad>"])
    return tok


WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
LEAD = r"[^\r\n\p{L}\p{N}]?"


def splits(*patterns):
    return [pre.Split(Regex(p), "isolated") for p in patterns]


def pre_tokenizers_of_gguf():
    """tokenizer.ggml.pre, what such models' tokenizer.json have, and whether
    they ignore merges for words that are tokens."""
    plain = pre.ByteLevel(add_prefix_space=False, use_regex=True)
    last = pre.ByteLevel(add_prefix_space=False, use_regex=False)

    def then_bytes(*steps):
        return pre.Sequence([*steps, last])
    capitals = (LEAD + UPPER + "*" + LOWER + "+%s|" + LEAD + UPPER + "+" +
                LOWER + "*%s|%s" + REST)
    return [
        ("gpt-2", plain, False),
        ("smollm", pre.Sequence([pre.Digits(True), plain]), False),
        ("llama-bpe", then_bytes(*splits(WORDS % r"\p{N}{1,3}")), True),
        ("dbrx", then_bytes(*splits(WORDS % r"\p{N}{1,3}")), False),
        ("qwen2", then_bytes(*splits(WORDS % r"\p{N}")), False),
        ("qwen35", then_bytes(*splits(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+"
            r"|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")),
         False),
        ("tekken", then_bytes(*splits(capitals % ("", "", r"\p{N}"))), True),
        ("gpt-4o", then_bytes(*splits(capitals % (SHORT, SHORT, r"\p{N}{1,3}"))),
         False),
        ("deepseek-coder", then_bytes(*splits(
            r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+"),
            pre.Digits(True)), False),
        ("deepseek-v3", then_bytes(*splits(
            r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"""
            r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"
            r"|\s*[\r\n]+|\s+(?!\S)|\s+")), False),
    ]


def train_json(model, trainer, normalizer=None, pre_tokenizer=None,
               decoder=None):
    tok = Tokenizer(model)
    if normalizer is not None:
        tok.normalizer = normalizer
    tok.pre_tokenizer = pre_tokenizer
    tok.train_from_iterator(corpus(), trainer)
    tok.decoder = decoder
    return tok


def byte_level():
    return train_json(
        models.BPE(), trainers.BpeTrainer(
            vocab_size=700, show_progress=False,
            initial_alphabet=pre.ByteLevel.alphabet(),
            special_tokens=["<s>", "<|im_end|>"]),
        pre_tokenizer=pre.ByteLevel(add_prefix_space=False),
        decoder=decoders.ByteLevel())


def split_json(tok):
    """What the forms of one vocabulary share, and what they do not."""
    root = json.loads(tok.to_str())
    parts = ["normalizer", "pre_tokenizer", "decoder"]
    return root, {k: root.pop(k) for k in parts}


def json_kinds(files, name, toks):
    for form, tok in toks.items():
        root, pipeline = split_json(tok)
        assert files.setdefault(name, root) == root
        yield (f"{name}, {form}" if form else name), \
            {"json": name, "pipeline": pipeline}, \
            lambda s, tok=tok: by_tokenizers(tok, s)


def kinds(files):
    """name, what C++ reads, the function of a string. Fills `files`: whole
    tokenizer.json by name, and tokenizer.model in Base64."""
    base = byte_level()
    yield from json_kinds(files, "byte-level bpe", {"": base})
    words = train_json(
        models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(
            vocab_size=400, show_progress=False,
            special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        normalizers.BertNormalizer(), pre.BertPreTokenizer(),
        decoders.WordPiece())
    yield from json_kinds(files, "wordpiece", {"": words})
    models_of = {
        "scored": train_pieces(
            model_type="bpe", vocab_size=600, byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False, split_digits=True,
            allow_whitespace_only_pieces=True),
        "unigram": train_pieces(
            model_type="unigram", vocab_size=350, rules=True, pad_id=3,
            user_defined_symbols=["<sep>", "user-defined", "▁▁▁"]),
        "with bytes": train_pieces(
            model_type="unigram", vocab_size=520, rules=True,
            byte_fallback=True),
        "no bytes": train_pieces(
            model_type="bpe", vocab_size=350, rules=True,
            user_defined_symbols=["user", "\n\n"]),
        "across spaces": train_pieces(
            model_type="bpe", vocab_size=560, byte_fallback=True, rules=True,
            split_by_whitespace=False, add_dummy_prefix=False),
        "suffix": train_pieces(
            model_type="unigram", vocab_size=300, rules=True,
            treat_whitespace_as_suffix=True)}
    files.update((name, base64.b64encode(model).decode("ascii"))
                 for name, model in models_of.items())
    yield from json_kinds(files, "scored json", {
        form: scored_json(models_of["scored"], form)
        for form in ["prepend", "metaspace", "replace"]})
    yield from json_kinds(files, "unigram json", {
        form: unigram_json(models_of["unigram"], form)
        for form in ["spaces", "words"]})
    yield from json_kinds(files, "unigram json with bytes", {
        "": unigram_json(models_of["with bytes"], "bytes")})
    added = {"<|im_end|>": 5000, "[CLS]": 5001}
    declared = {"added_tokens_decoder": {
        str(i): {"content": t, "special": True} for t, i in added.items()}}
    for name, legacy, more in [
            ("scored", True, {}), ("scored", False, {}),
            ("scored", False, declared), ("unigram", True, {}),
            ("with bytes", False, {}), ("no bytes", True, {}),
            ("across spaces", True, {}), ("suffix", True, {})]:
        yield "model %s, legacy %s%s" % (name, legacy, " and added" * bool(more)), \
            {"model": name, "config": {"legacy": legacy, **more}}, \
            Pieces(models_of[name], added if more else {},
                   "every" if legacy else "first")
    yield "gguf, scores", {"gguf": "llama", "of": "scored"}, \
        Pieces(models_of["scored"], {"<unk>": 0}, "every")
    yield "gguf, unigram", {"gguf": "t5", "of": "with bytes"}, \
        Pieces(models_of["with bytes"], {"<unk>": 0}, "every")
    yield "gguf, wordpiece", {"gguf": "bert", "of": "wordpiece"}, \
        lambda s: by_tokenizers(words, s)
    state = json.loads(base.to_str())["model"]
    for name, pre_tokenizer, ignores in pre_tokenizers_of_gguf():
        tok = Tokenizer.from_str(base.to_str())
        tok.model = models.BPE(
            state["vocab"], [tuple(m) for m in state["merges"]],
            ignore_merges=ignores)
        tok.pre_tokenizer = pre_tokenizer
        yield "gguf, " + name, {"gguf": "gpt2", "of": "byte-level bpe",
                                "pre": name}, \
            lambda s, tok=tok: by_tokenizers(tok, s)


def real_kinds(data):
    """Those of the data folder, which C++ reads there too."""
    with open(os.path.join(data, "llama2/tokenizer.model"), "rb") as f:
        model = f.read()
    yield "real, tokenizer.model", {"data": "llama2/tokenizer.model",
                                    "config": {"legacy": True}}, \
        Pieces(model, prefix="every")
    yield "real, tokenizer.bin", {"data": "llama2/tokenizer.bin"}, \
        Pieces(model, {"<unk>": 0}, "every")
    with gzip.open(os.path.join(data, "gpt2/tokenizer.json.gz"), "rt",
                   encoding="utf-8") as f:
        tok = Tokenizer.from_str(f.read())
    yield "real, tokenizer.json", {"data": "gpt2/tokenizer.json.gz"}, \
        lambda s: by_tokenizers(tok, s)


def dump(x):
    return json.dumps(x, ensure_ascii=True, separators=(",", ":"))


def main(out, data, show=None):
    strings = fuzz_strings.make_strings(COUNT)
    files, rows = {}, []
    for name, reads, encode in itertools.chain(
            kinds(files), real_kinds(os.path.join(data, "tokenizers"))):
        if show is not None:
            if name == show[0]:
                s = strings[int(show[1])]
                print(ascii(s), *encode(s), sep="\n")
            continue
        digests = ""
        for s in strings[:FEW if "pre" in reads else COUNT]:
            ids, offsets, decoded = encode(s)
            digests += digest(" ".join(map(str, ids))) + digest(offsets)
            digests += "----" if decoded is None else digest(decoded)
        library = "sentencepiece" if isinstance(encode, Pieces) else "tokenizers"
        rows.append({"name": name, "library": library, **reads,
                     "digests": digests})
    if show is not None:
        return
    path = os.path.join(out, "tokenizers.json")
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s,\n"strings":[\n' % dump({
            "script": "tests/golden/make_golden_tokenizers.py",
            "tokenizers": version("tokenizers"),
            "sentencepiece": version("sentencepiece"),
            "seed": fuzz_strings.SEED}))
        f.write(",\n".join(dump(s) for s in strings))
        f.write('\n],\n"files":{\n')
        f.write(",\n".join(dump(k) + ":" + dump(v) for k, v in files.items()))
        f.write('\n},\n"kinds":[\n')
        f.write(",\n".join(dump(r) for r in rows))
        f.write("\n]\n}\n")
    print(path, os.path.getsize(path), [r["name"] for r in rows])


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--out", default=HERE)
    ap.add_argument("--data", default=os.environ.get("SFTBENCH_DATA", ""),
                    help="the data folder, with tokenizers/ in it")
    ap.add_argument("--show", nargs=2, metavar=("KIND", "N"))
    a = ap.parse_args()
    main(a.out, a.data, a.show)
