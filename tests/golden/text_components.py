"""Normalizers, pre-tokenizers, decoders and small tokenizers, one by one.

A component is run inside a tokenizer whose model knows nothing: then every
character (BPE) or every word (WordPiece) is one unknown token, and its offsets
show the component's alignments.
"""
import json

from tokenizers import Tokenizer

import text_strings

GPT2 = (r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+"
        r"|\s+(?!\S)|\s+")
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BERT = {"type": "BertNormalizer", "clean_text": True,
        "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}


def replace(pattern, content, kind="String"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def split(pattern, behavior, invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior,
            "invert": invert}


NORMALIZERS = [
    {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"},
    {"type": "Lowercase"}, {"type": "StripAccents"}, BERT,
    {**BERT, "lowercase": False}, {**BERT, "strip_accents": False},
    {**BERT, "clean_text": False, "handle_chinese_chars": False},
    replace(" ", "▁"), replace("a.", "xyz"), replace(r"\s+", " ", "Regex"),
    replace(r"[aeiou]", "", "Regex"), {"type": "Prepend", "prepend": "▁"},
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Strip", "strip_left": True, "strip_right": False},
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {"type": "Sequence", "normalizers": [
        {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
    {"type": "Sequence", "normalizers": [
        {"type": "NFKC"}, {"type": "Prepend", "prepend": "▁"},
        replace(" ", "▁")]},
]

PRE_TOKENIZERS = [
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
     "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
     "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
     "use_regex": False},
    {"type": "Digits", "individual_digits": True},
    {"type": "Digits", "individual_digits": False},
    {"type": "Whitespace"}, {"type": "WhitespaceSplit"},
    {"type": "BertPreTokenizer"},
    {"type": "Punctuation", "behavior": "Isolated"},
    {"type": "Punctuation", "behavior": "Contiguous"},
    {"type": "Punctuation", "behavior": "MergedWithPrevious"},
    {"type": "Punctuation", "behavior": "MergedWithNext"},
    {"type": "Punctuation", "behavior": "Removed"},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
     "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first",
     "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never",
     "split": False},
    split(GPT2, "Isolated"), split(LLAMA3, "Isolated"),
    split(LLAMA3, "Removed", True), split(r"\w+", "Contiguous"),
    split(r"\w+|[^\w\s]+", "Removed", True), split(r"\W", "MergedWithNext"),
    split(" ", "MergedWithPrevious", kind="String"),
    split("a.", "Isolated", kind="String"),
    split(r"\s*", "Isolated"), split(r"\d{3}", "Contiguous", True),
    {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
         "use_regex": True}]},
    {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
         "split": True}]},
]

BYTE_TOKENS = ["<0xE2>", "<0x82>", "<0xAC>", "x", "<0xFF>", "<0x41>", "<0xZZ>"]
DECODERS = [
    ({"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
      "use_regex": True}, [["Ġhello", "Ċ", "Ã©"], ["Ã", "x"], ["中", "Ġa"],
                             ["ĠðŁĺ", "Ģ"], []]),
    ({"type": "WordPiece", "prefix": "##", "cleanup": True},
     [["un", "##aff", "##able", "."], ["##x", "y", ",", "z"],
      ["do", "not", "n't", "'", "s", "!"], []]),
    ({"type": "WordPiece", "prefix": "##", "cleanup": False},
     [["a", "##b", ".", "c"]]),
    ({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
      "split": True}, [["▁a", "▁b▁c", "d▁"], ["a▁b"], []]),
    ({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never",
      "split": True}, [["▁a", "▁b▁c", "d▁"]]),
    (replace("▁", " "), [["▁a", "b▁"]]),
    ({"type": "ByteFallback"}, [BYTE_TOKENS, ["<0xE2>", "<0x82>"], []]),
    ({"type": "Fuse"}, [["a", "b"], []]),
    ({"type": "Strip", "content": " ", "start": 1, "stop": 0},
     [[" a", "  b ", "c"]]),
    ({"type": "Strip", "content": "x", "start": 2, "stop": 1},
     [["xxxax", "xxa", "bx"]]),
    ({"type": "Sequence", "decoders": [
        replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
     [["▁Hello", "▁", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "!"], []]),
]


def skeleton(**parts):
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
            "post_processor": None, "decoder": None, **parts}


def unknown_bpe():
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>",
            "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {"<unk>": 0}, "merges": []}


def unknown_wordpiece():
    return {"type": "WordPiece", "unk_token": "<unk>", "vocab": {"<unk>": 0},
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 10000}


def added(id, content, **flags):
    return {"id": id, "content": content, "single_word": False,
            "lstrip": False, "rstrip": False, "normalized": False,
            "special": True, **flags}


def small_bpe(**options):
    """A few characters and merges over "low lower lowest newer wide"."""
    chars = list("abdeilnorstw▁ é") + ["<unk>", "<s>"]
    merges = [("l", "o"), ("lo", "w"), ("e", "r"), ("n", "e"), ("ne", "w"),
              ("low", "er"), ("e", "s"), ("es", "t"), ("▁", "low"),
              ("new", "er"), ("w", "i"), ("wi", "d"), ("wid", "e"), ("a", "a"),
              ("aa", "aa")]
    vocab = {c: i for i, c in enumerate(chars)}
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    if options.get("byte_fallback"):
        for b in range(256):
            vocab["<0x%02X>" % b] = len(vocab)
    vocab["wrong"] = len(vocab)
    return {**unknown_bpe(), "vocab": vocab,
            "merges": [list(m) for m in merges], **options}


def word_bpe():
    """The first BPE's form: "</w>" ends a word, "@@" begins what follows."""
    vocab = {}
    for c in "abcd":
        for form in (c, "@@" + c, c + "</w>", "@@" + c + "</w>"):
            vocab.setdefault(form, len(vocab))
    for t in ("ab", "abc</w>", "ab</w>", "<unk>"):
        vocab[t] = len(vocab)
    return {**unknown_bpe(), "vocab": vocab, "continuing_subword_prefix": "@@",
            "end_of_word_suffix": "</w>",
            "merges": [["a", "@@b"], ["ab", "@@c</w>"], ["a", "@@b</w>"]]}


def small_tokenizers():
    llama = skeleton(
        model=small_bpe(byte_fallback=True, fuse_unk=True),
        added_tokens=[added(16, "<s>")],
        normalizer={"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")]},
        decoder=DECODERS[-1][0])
    yield "llama", llama
    yield "fused unknowns", skeleton(model=small_bpe(fuse_unk=True))
    yield "single unknowns", skeleton(model=small_bpe())
    yield "no unknown token", skeleton(model=small_bpe(unk_token=None))
    yield "ignore merges", skeleton(model=small_bpe(ignore_merges=True),
                                    pre_tokenizer={"type": "WhitespaceSplit"})
    yield "word bpe", skeleton(model=word_bpe(),
                               pre_tokenizer={"type": "WhitespaceSplit"})
    n = len(small_bpe()["vocab"])
    yield "added tokens", skeleton(
        model=small_bpe(), normalizer={"type": "Lowercase"},
        added_tokens=[added(n, "[L]", lstrip=True), added(n + 1, "[R]", rstrip=True),
                      added(n + 2, "[B]", lstrip=True, rstrip=True),
                      added(n + 3, "word", single_word=True),
                      added(n + 4, "NORM", normalized=True, special=False),
                      added(n + 5, "[L]x"), added(n + 6, "é+", special=False)],
        decoder={"type": "Fuse"})
    pieces = ["[UNK]", "un", "##aff", "##able", "a", "##b", "##é", "word", "."]
    yield "wordpiece", skeleton(
        model={"type": "WordPiece", "unk_token": "[UNK]",
               "continuing_subword_prefix": "##", "max_input_chars_per_word": 12,
               "vocab": {t: i for i, t in enumerate(pieces)}},
        added_tokens=[added(0, "[UNK]")], normalizer=BERT,
        pre_tokenizer={"type": "BertPreTokenizer"},
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True})


SMALL_TEXTS = [
    "", "low", "lower lowest newer wide", " low  lower", "lowé世 wider 😀😀x",
    "<s>low<s> low", "aaaaaaaaa aaa", "wrong wrongs", "abc ab ba abcd abcc dd",
    "zzlowzz", "a [L] b [R] c [B] d", "[L][L]x[R] [R]  [B]", "word swords word.",
    "word_ word-word wordé", "norm NORM Norm", "é+ É+ é", "Unaffable unaffab UN",
    "aB abé. averyveryverylongword word.word", "[unk] [UNK]x",
    "\n low\n", "e\u0301 lo\u0301w",
]


def make(encode_case):
    strings = [s for s in text_strings.make_strings(300) if len(s) <= 40][::2]
    normalizers, pre_tokenizers = [], []
    for config in NORMALIZERS:
        tok = Tokenizer.from_str(json.dumps(
            skeleton(model=unknown_bpe(), normalizer=config)))
        cases = []
        for i, s in enumerate(strings):
            case = encode_case(tok, s)
            cases.append([i, tok.normalizer.normalize_str(s), case["offsets"]])
        normalizers.append({"config": config, "cases": cases})
    for config in PRE_TOKENIZERS:
        tok = Tokenizer.from_str(json.dumps(
            skeleton(model=unknown_wordpiece(), pre_tokenizer=config)))
        cases = []
        for i, s in enumerate(strings):
            pieces = [p for p, _ in tok.pre_tokenizer.pre_tokenize_str(s)]
            cases.append([i, pieces, encode_case(tok, s)["offsets"]])
        pre_tokenizers.append({"config": config, "cases": cases})
    decoders = []
    for config, lists in DECODERS:
        tok = Tokenizer.from_str(json.dumps(
            skeleton(model=unknown_bpe(), decoder=config)))
        decoders.append({"config": config, "cases": [
            [tokens, tok.decoder.decode(tokens)] for tokens in lists]})
    small = []
    for name, config in small_tokenizers():
        tok = Tokenizer.from_str(json.dumps(config))
        cases = [encode_case(tok, s) for s in SMALL_TEXTS]
        if name == "no unknown token":
            # The library drops characters without counting their bytes: its
            # offsets then name the wrong ones.
            for case in cases:
                del case["offsets"]
        small.append({"name": name, "tokenizer": config, "cases": cases})
    return {"strings": strings, "normalizers": normalizers,
            "pre_tokenizers": pre_tokenizers, "decoders": decoders, "tokenizers": small}
