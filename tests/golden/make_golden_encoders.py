#!/usr/bin/env python3
"""Tiny random encoders of every family, what transformers computes with each
of their heads, and small tokenizers of both kinds.

  python make_golden_encoders.py [family ... | peft]

Needs torch, transformers, tokenizers, peft, safetensors. Writes encoders/<family>/:
  config.json, model.safetensors   save_pretrained without a head, bf16
  heads.json                       config.json of each class with a head
  heads.safetensors                <kind>.<name>: the tensors of each head
  golden.json                      rows; per head logits, loss, gradients (f64)
and encoders/{wordpiece,byte_level}.json, tokenizers trained here, with what
`tokenizers` makes of 500 strings in encoders/tokens.json. With assets/ there,
encoders/minilm.json: hidden states of all-MiniLM-L6-v2. encoders/peft/<family>:
adapters of sequence heads made by PEFT, and in peft.json their scores.

Writes: encoders/{bert,distilbert,roberta,xlm-roberta,electra,deberta-v2,
  modernbert}/{config.json,model.safetensors,heads.json,heads.safetensors,
  golden.json} encoders/{wordpiece,byte_level,tokens,minilm,peft}.json
  encoders/peft/{bert,roberta,electra,deberta-v2,
  modernbert}/{adapter_config.json,adapter_model.safetensors}
"""
import hashlib
import json
import math
import pathlib
import sys

import tokenizers as tk
import torch
import transformers as tf
from safetensors.torch import save_file

import text_strings

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "encoders"
ASSETS = HERE.parent.parent / "assets"
SEED = 20261126
VOCABULARY = 96
LENGTHS = (13, 7, 20)
CLASSES = {"sequence": 3, "token": 5, "span": 2}


def made_by():
    return {"script": "tests/golden/make_golden_encoders.py",
            "torch": torch.__version__.split("+")[0],
            "transformers": tf.__version__, "tokenizers": tk.__version__,
            "seed": SEED}


def dump(path, value):
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")
    print(path.relative_to(HERE), path.stat().st_size)


def families():
    shared = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40,
                  num_attention_heads=4, num_hidden_layers=2)
    return {
        "bert": ("Bert", tf.BertConfig(**shared, max_position_embeddings=40)),
        "roberta": ("Roberta", tf.RobertaConfig(
            **shared, max_position_embeddings=42, type_vocab_size=1,
            layer_norm_eps=1e-5)),
        "distilbert": ("DistilBert", tf.DistilBertConfig(
            vocab_size=VOCABULARY, dim=32, hidden_dim=40, n_heads=4, n_layers=2,
            max_position_embeddings=40, activation="gelu_new")),
        "xlm-roberta": ("XLMRoberta", tf.XLMRobertaConfig(
            **shared, max_position_embeddings=42, type_vocab_size=1,
            layer_norm_eps=1e-5)),
        # Tables narrower than the blocks.
        "electra": ("Electra", tf.ElectraConfig(
            **shared, embedding_size=24, max_position_embeddings=40)),
        # So few buckets that most distances share one.
        "deberta-v2": ("DebertaV2", tf.DebertaV2Config(
            **shared, max_position_embeddings=40, relative_attention=True,
            position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True,
            pos_att_type="p2c|c2p", position_biased_input=False)),
        # Both kinds of layers, with windows of three tokens to each side.
        "modernbert": ("ModernBert", tf.ModernBertConfig(
            **shared, max_position_embeddings=40, local_attention=6,
            global_attn_every_n_layers=2, classifier_pooling="mean",
            pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1,
            sep_token_id=2)),
    }


def widen():
    """f64 throughout, where transformers narrows to f32 whatever the dtype:
    rotary angles and the rotation, a softmax, the scale of disentangled
    scores."""
    from transformers.models.deberta_v2 import modeling_deberta_v2 as deberta
    from transformers.models.modernbert import modeling_modernbert as modern
    deberta.scaled_size_sqrt = lambda x, factor: torch.tensor(
        float(x.size(-1) * factor), dtype=torch.float64).sqrt()

    def angles(self, x, position_ids, layer_type):
        theta = self.config.rope_parameters[layer_type]["rope_theta"]
        dim = self.config.hidden_size // self.config.num_attention_heads
        exponent = torch.arange(0, dim, 2, dtype=torch.float64) / dim
        half = position_ids[..., None].double() * theta ** -exponent
        both = torch.cat((half, half), -1)
        return both.cos(), both.sin()

    def rotate(q, k, cos, sin, unsqueeze_dim=1):
        cos, sin = cos.unsqueeze(unsqueeze_dim), sin.unsqueeze(unsqueeze_dim)
        return tuple(x * cos + modern.rotate_half(x) * sin for x in (q, k))

    def attend(module, query, key, value, attention_mask, scaling, **kwargs):
        scores = query @ key.transpose(2, 3) * scaling
        if attention_mask is not None:
            scores = scores + attention_mask
        return (scores.softmax(-1) @ value).transpose(1, 2), None

    modern.eager_attention_forward = attend
    modern.ModernBertRotaryEmbedding.forward = angles
    modern.apply_rotary_pos_emb = rotate


def classes_of(prefix):
    return {"sequence": getattr(tf, prefix + "ForSequenceClassification"),
            "token": getattr(tf, prefix + "ForTokenClassification"),
            "span": getattr(tf, prefix + "ForQuestionAnswering")}


def draw(model):
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.dim() == 2:
                p.normal_(0, 0.5 if "embedding" in key else 0.3)
            elif key.endswith(".bias"):
                p.normal_(0, 0.2)
            else:
                p.normal_(1.0, 0.2)
            p.copy_(p.bfloat16().to(p.dtype))


def make_rows(pad, second_type):
    generator = torch.Generator().manual_seed(SEED)
    rows = []
    for i, length in enumerate(LENGTHS):
        ids = torch.randint(3, VOCABULARY, (length,),
                            generator=generator).tolist()
        # A text may hold the pad token, which is then no padding.
        ids[4] = pad
        types = [0] * length
        if i == 2 and second_type:
            types = [0] * 9 + [1] * 11
        rows.append({
            "ids": ids, "types": types, "class": (i + 1) % 3,
            "tags": [-100 if t % 3 == 2 else (t * 7 + i) % 5
                     for t in range(length)],
            "span": [2 + i, 4 + 2 * i % 3]})
    return rows


def padded(rows, key, fill):
    width = max(len(r["ids"]) for r in rows)
    return torch.tensor([r[key] + [fill] * (width - len(r[key]))
                         for r in rows])


def gradient_facts(grad):
    """Norm, and the sum of g[i] cos(0.37 i) over the flat tensor."""
    flat = grad.reshape(-1)
    wave = torch.cos(0.37 * torch.arange(flat.numel(), dtype=torch.float64))
    return [flat.norm().item(), (flat @ wave).item()]


def run_alone(model, kind, rows):
    """Loss and scores of rows one by one: in a padded batch, transformers' pads
    that are out of every real token's window are no numbers, and so is a mean
    that they are multiplied by nought in."""
    scores = []
    for r in rows:
        out = model(input_ids=torch.tensor([r["ids"]]))
        scores.append(torch.stack([out.start_logits[0], out.end_logits[0]], -1)
                      if kind == "span" else out.logits[0])
    entropy = torch.nn.functional.cross_entropy
    if kind == "sequence":
        loss = entropy(torch.stack(scores),
                       torch.tensor([r["class"] for r in rows]))
    elif kind == "token":
        loss = entropy(torch.cat(scores),
                       torch.tensor(sum((r["tags"] for r in rows), [])))
    else:
        loss = sum(entropy(s.T, torch.tensor(r["span"]))
                   for s, r in zip(scores, rows)) / len(rows)
    return loss, [s.tolist() for s in scores]


def run_head(model, kind, rows, pad, has_types):
    width = max(len(r["ids"]) for r in rows)
    inputs = {"input_ids": padded(rows, "ids", pad),
              "attention_mask": torch.tensor(
                  [[1] * len(r["ids"]) + [0] * (width - len(r["ids"]))
                   for r in rows])}
    if has_types:
        inputs["token_type_ids"] = padded(rows, "types", 0)
    if kind == "sequence":
        labels = {"labels": torch.tensor([r["class"] for r in rows])}
    elif kind == "token":
        labels = {"labels": padded(rows, "tags", -100)}
    else:
        labels = {"start_positions": torch.tensor([r["span"][0] for r in rows]),
                  "end_positions": torch.tensor([r["span"][1] for r in rows])}
    if getattr(model.config, "local_attention", None):
        loss, logits = run_alone(model, kind, rows)
        return facts_of(model, loss, logits)
    result = model(**inputs, **labels)
    loss = result.loss
    if kind == "sequence":  # some classes narrow their scores to f32 for it
        loss = torch.nn.functional.cross_entropy(result.logits,
                                                 labels["labels"])
    if kind == "span":
        # transformers lets pads be answers; each row by itself has none.
        loss = sum(model(**{k: v[b:b + 1, :len(r["ids"])]
                            for k, v in inputs.items()},
                         **{k: v[b:b + 1] for k, v in labels.items()}).loss
                   for b, r in enumerate(rows)) / len(rows)
    if kind == "span":
        scores = torch.stack([result.start_logits, result.end_logits], -1)
    else:
        scores = result.logits
    if kind == "sequence":
        logits = scores.tolist()
    else:
        logits = [scores[b, :len(r["ids"])].tolist()
                  for b, r in enumerate(rows)]
    return facts_of(model, loss, logits)


def facts_of(model, loss, logits):
    loss.backward()
    round9 = lambda x: ([round9(y) for y in x] if isinstance(x, list)
                        else float(f"{x:.10g}"))
    return {"logits": round9(logits), "loss": loss.item(),
            "gradients": {k: round9(gradient_facts(p.grad))
                          for k, p in model.named_parameters()}}


def make_family(name, prefix, config):
    config._attn_implementation = "eager"
    has_types = name in ("bert", "roberta", "xlm-roberta", "electra")
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    base = getattr(tf, prefix + "Model")(config)
    draw(base)
    rows = make_rows(config.pad_token_id, name in ("bert", "electra"))
    golden = {"made_by": made_by(), "rows": rows, "heads": {}}
    configs, tensors = {}, {}
    for kind, cls in classes_of(prefix).items():
        with_labels = type(config)(**{
            **config.to_dict(),
            "id2label": {i: f"{kind}_{i}" for i in range(CLASSES[kind])}})
        with_labels._attn_implementation = "eager"
        torch.manual_seed(SEED + 1)
        model = cls(with_labels).eval()
        draw(model)
        state = {k: v for k, v in base.state_dict().items()
                 if "pooler" not in k or (name, kind) == ("bert", "sequence")}
        left = getattr(model, model.base_model_prefix).load_state_dict(state)
        assert not left.missing_keys and not left.unexpected_keys
        for key, value in model.state_dict().items():
            if not key.startswith(model.base_model_prefix + "."):
                tensors[f"{kind}.{key}"] = value.clone().bfloat16()
        with_labels.architectures = [cls.__name__]
        configs[kind] = with_labels.to_dict()
        golden["heads"][kind] = run_head(model.double(), kind, rows,
                                         config.pad_token_id, has_types)
        print(name, kind, "loss", golden["heads"][kind]["loss"])
    dump(folder / "golden.json", golden)
    dump(folder / "heads.json", configs)
    save_file(tensors, folder / "heads.safetensors")
    base.bfloat16().save_pretrained(folder)
    print(name, "bytes", sum(f.stat().st_size for f in folder.iterdir()))


LINES = [
    "The quick brown fox jumps over the lazy dog, and the dog sleeps on.",
    "Tokenizers cut words into pieces: playing, played, plays and player.",
    "She said that nobody would ever believe the story of the old river.",
    "In 1984 there were 365 days, 12 months and 52 weeks; it's not unusual.",
    "Café, naïve, résumé and Straße have marks; Привет, мир! has none.",
    "你好,世界。今日は良い天気ですね。 안녕하세요 세계 😀 👍",
    "What is the capital of France? Paris is the capital, isn't it?",
    "A span of text answers a question, a label names a class of texts.",
]


def wordpiece():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tok = tk.Tokenizer(tk.models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = tk.normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = tk.pre_tokenizers.BertPreTokenizer()
    tok.decoder = tk.decoders.WordPiece(prefix="##")
    tok.train_from_iterator(LINES, tk.trainers.WordPieceTrainer(
        vocab_size=300, special_tokens=special, show_progress=False))
    ids = [tok.token_to_id(t) for t in special]
    tok.post_processor = tk.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids[2]), ("[SEP]", ids[3])])
    # Both sections are for whoever batches: encoding here ignores them.
    tok.enable_truncation(8)
    tok.enable_padding(length=8)
    return tok


def byte_level():
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tok = tk.Tokenizer(tk.models.BPE())
    tok.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = tk.decoders.ByteLevel()
    tok.train_from_iterator(LINES, tk.trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, show_progress=False,
        initial_alphabet=tk.pre_tokenizers.ByteLevel.alphabet()))
    tok.add_special_tokens([tk.AddedToken("<mask>", lstrip=True)])
    tok.post_processor = tk.processors.RobertaProcessing(
        ("</s>", tok.token_to_id("</s>")), ("<s>", tok.token_to_id("<s>")),
        add_prefix_space=False)
    return tok


def byte_offsets(text, encoding):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode("utf-8")))
    return [[at[b], at[e]] for b, e in encoding.offsets]


def digest_of(tok, text):
    """Ids, byte offsets and both decodings in one line, by its digest."""
    e = tok.encode(text, add_special_tokens=False)
    line = "|".join([
        " ".join(map(str, e.ids)),
        " ".join(f"{b}:{x}" for b, x in byte_offsets(text, e)),
        tok.decode(e.ids, skip_special_tokens=False),
        tok.decode(e.ids, skip_special_tokens=True)])
    return hashlib.sha256(line.encode("utf-8")).hexdigest()[:16]


def make_tokenizers():
    OUT.mkdir(exist_ok=True)
    strings = text_strings.make_strings(500)
    golden = {"made_by": made_by(), "strings": strings, "digests": {},
              "pairs": {}}
    for name, train in {"wordpiece": wordpiece,
                        "byte_level": byte_level}.items():
        # Training breaks ties at random: what was trained once is kept.
        path = OUT / f"{name}.json"
        if not path.exists():
            path.write_text(train().to_str() + "\n")
        tok = tk.Tokenizer.from_file(str(path))
        tok.no_truncation()
        tok.no_padding()
        golden["digests"][name] = [digest_of(tok, s) for s in strings]
        golden["pairs"][name] = []
        for a, b in zip(LINES[::2], LINES[1::2]):
            for pair in (None, b):
                e = tok.encode(a, pair)
                golden["pairs"][name].append(
                    {"a": a, "b": pair, "ids": e.ids, "types": e.type_ids})
        words = "An unusual story, isn't it?".split()
        pre = tok
        if name == "byte_level":
            pre = tk.Tokenizer.from_str(tok.to_str())
            pre.pre_tokenizer = tk.pre_tokenizers.ByteLevel(
                add_prefix_space=True)
        golden["pairs"][name + "_words"] = {
            "words": words,
            "ids": pre.encode(words, is_pretokenized=True).ids}
    dump(OUT / "tokens.json", golden)


def make_peft():
    """LoRA beside every map of two families' sequence heads, by PEFT."""
    import peft
    golden = {"made_by": {**made_by(), "peft": peft.__version__},
              "adapters": []}
    # What lies between the blocks and the last map is random too, where the
    # checkpoint has no such map: an adapter must bring it along.
    heads = {"deberta-v2": ["pooler", "classifier"],
             "modernbert": ["head", "classifier"]}
    for name in ("bert", "roberta", "electra", "deberta-v2", "modernbert"):
        config = tf.AutoConfig.from_pretrained(
            OUT / name, id2label={i: str(i) for i in range(3)})
        torch.manual_seed(SEED)
        model = peft.get_peft_model(
            tf.AutoModelForSequenceClassification.from_pretrained(
                OUT / name, config=config, dtype=torch.float32),
            peft.LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=6,
                            modules_to_save=heads.get(name),
                            target_modules="all-linear")).eval()
        with torch.no_grad():
            for key, p in model.named_parameters():
                if p.requires_grad:
                    p.normal_(0, 0.2)
        ids = make_rows(config.pad_token_id, False)[2]["ids"]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0].tolist()
        folder = OUT / "peft" / name
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        path = folder / "adapter_config.json"
        saved = json.loads(path.read_text())
        saved["base_model_name_or_path"] = name
        saved["target_modules"] = sorted(saved["target_modules"])
        path.write_text(json.dumps(saved) + "\n")
        golden["adapters"].append({"family": name, "ids": ids,
                                   "logits": logits})
    dump(OUT / "peft.json", golden)


def make_minilm():
    folder = ASSETS / "models" / "minilm-l6"
    if not folder.exists():
        print("minilm: no", folder)
        return
    tok = tk.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tok.no_truncation()
    tok.no_padding()
    model = tf.BertModel.from_pretrained(folder).eval()
    cases = []
    for a, b in [("The cat sat on the mat.", None),
                 ("What is the capital of France?",
                  "Paris is the capital and largest city of France.")]:
        e = tok.encode(a, b)
        with torch.no_grad():
            hidden = model(torch.tensor([e.ids]),
                           token_type_ids=torch.tensor([e.type_ids]))
        cases.append({"ids": e.ids, "types": e.type_ids,
                      "first_token": hidden.last_hidden_state[0, 0].tolist(),
                      "last_token": hidden.last_hidden_state[0, -1].tolist()})
    for case in cases:
        for key in ("first_token", "last_token"):
            case[key] = [float(f"{x:.7g}") for x in case[key]]
    dump(OUT / "minilm.json", {"made_by": made_by(), "cases": cases})


def main():
    torch.set_num_threads(1)
    asked = sys.argv[1:]
    if not asked or "peft" in asked:
        make_peft()  # as transformers computes it, in f32
    widen()
    for name, (prefix, config) in families().items():
        if not asked or name in asked:
            make_family(name, prefix, config)
    if not asked:
        make_tokenizers()
        make_minilm()


if __name__ == "__main__":
    main()
