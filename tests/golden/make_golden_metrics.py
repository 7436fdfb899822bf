#!/usr/bin/env python3
"""Writes metrics.json: text metrics by the libraries that people cite.

  make_golden_metrics.py

Needs sacrebleu, rouge_score (with nltk), seqeval, scikit-learn. SQuAD's
measures are written here as its v1.1 script has them. All text is made up
here: no data set's. A text case is a list of [hypothesis, references], each an
index into "texts"; a result is [value, items].

Writes: metrics.json
"""
import collections
import json
import pathlib
import random
import re
import string
import warnings
from importlib.metadata import version

from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn import metrics as sk

SEED = 20261125
CASES = 220
STEMS = ("run hop fall relat condit electr agree happi enjoy sky fly tri di "
         "general oper commun activ effect hope cat pon feed mot siz fizz tann "
         "controll roll probat ceas adopt archaeolog geolog vietnam sens yy "
         "syzyg abc12 x1 bl conflat troubl on in it new inn out").split()
SUFFIXES = ("", "s", "es", "ies", "ied", "sses", "ss", "ed", "eed", "ing",
            "y", "ly", "ational", "tional", "enci", "anci", "izer", "bli",
            "abli", "alli", "entli", "eli", "ousli", "ization", "ation",
            "ator", "alism", "iveness", "fulness", "ousness", "aliti", "iviti",
            "biliti", "fulli", "logi", "icate", "ative", "alize", "iciti",
            "ical", "ful", "ness", "ance", "ement", "ment", "ion", "sion",
            "tion", "ou", "ism", "ate", "ous", "ive", "ize", "e", "ll", "al")
WORDS = ("the a an The A cat cats running runs ran hopefully relational "
         "happiness skies dying news generalizations house Houses over under "
         "quick brown lazy dog jumps nationally operators 3.14 1,000 2024 42 "
         "7-8 1990s 50% $9.99 don't it's e.g. U.S. x. ,y .5 5. & &amp; &quot; "
         "&lt;b&gt; <skipped> - -- ... !? (so) [x] {z} a/b c\\d ~ ^ ` ' \" "
         "é café naïve Straße ΑΣ ΣΑΣ İstanbul ÀÉ 你好 世界。 今日は、 漢字 １２３ "
         "½ Ⅷ ² ٣ … — “q” ‘z’ «w» € £5 + = © 😀 👍🏽 a\u0301 \u00a0 x\u3000y "
         "word_x \u2003 K Ǆ ß ﬁ привет МИР").split(" ")


def text(rng):
    if rng.random() < 0.06:
        return rng.choice(["", " ", ".", "\n", "the", "1", "。", "a\nb"])
    out = []
    for _ in range(rng.randrange(1, 15)):
        out.append(rng.choice(WORDS))
        out.append("\n" if rng.random() < 0.06 else
                   rng.choice([" ", " ", " ", " ", ", ", ". ", "  ", "", "-\n"])
                   if rng.random() < 0.4 else " ")
    return "".join(out).strip(" ") if rng.random() < 0.9 else "".join(out)


def edit(rng, s):
    words = s.split(" ")
    for _ in range(rng.randrange(0, 5)):
        at = rng.randrange(len(words) + 1)
        words[at:at + rng.randrange(2)] = [rng.choice(WORDS)] * rng.randrange(2)
    if rng.random() < 0.1:
        rng.shuffle(words)
    return " ".join(words)


def short(x):
    return round(float(x), 10)


def result(value, items):
    return [short(value), [short(i) for i in items]]


def text_cases(rng):
    texts, cases = [], []

    def index(s):
        texts.append(s)
        return len(texts) - 1

    for number in range(CASES):
        refs = number % 3 + 1
        items = []
        for _ in range(rng.randrange(1, 5)):
            base = text(rng)
            items.append((edit(rng, base), [base if r == 0 else edit(rng, base)
                                            for r in range(refs)]))
        hyps = [h for h, _ in items]
        streams = [[r[i] for _, r in items] for i in range(refs)]
        lower = number % 2 == 1
        case = {"items": [[index(h), [index(r) for r in rs]]
                          for h, rs in items], "lowercase": lower}
        for tokenize in ("13a", "intl", "none"):
            bleu = BLEU(tokenize=tokenize, lowercase=lower)
            each = BLEU(tokenize=tokenize, lowercase=lower,
                        effective_order=True)
            value = bleu.corpus_score(hyps, streams).score
            case["bleu-" + tokenize] = result(
                value, [each.sentence_score(h, r).score for h, r in items])
            case["bleu-" + tokenize].append(str(bleu.get_signature()))
        chrf = CHRF(lowercase=lower)
        value = chrf.corpus_score(hyps, streams).score
        signature = str(chrf.get_signature())
        case["chrf"] = result(
            value, [chrf.sentence_score(h, r).score for h, r in items])
        case["chrf"].append(signature)
        for stemmer in (False, True):
            for name in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
                scorer = RougeScorer([name], use_stemmer=stemmer)
                each = [scorer.score_multi(r, h)[name].fmeasure
                        for h, r in items]
                case[name + ("-stemmer" if stemmer else "")] = result(
                    sum(each) / len(each), each)
        cases.append(case)
    return texts, cases


def tag_cases(rng):
    odd = ["E-PER", "S-LOC", "X", "BPER", "B-", "I-A-B", ".", "E-LOC", "S-PER"]
    usual = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B", "I", "B-A-B"]
    cases = []
    for number in range(CASES):
        tags = usual + (odd if number % 4 == 0 else [])
        wanted = [[rng.choice(tags) for _ in range(rng.randrange(1, 10))]
                  for _ in range(rng.randrange(1, 5))]
        given = [[t if rng.random() < 0.75 else rng.choice(tags) for t in s]
                 for s in wanted]
        case = {"items": [[" ".join(g), " ".join(w)]
                          for g, w in zip(given, wanted)],
                "span_f1": result(seqeval_f1(wanted, given),
                                  [seqeval_f1([w], [g])
                                   for g, w in zip(given, wanted)])}

        def strict(w, g):
            return seqeval_f1(w, g, mode="strict", scheme=IOB2)
        try:
            case["span_f1_strict"] = result(
                strict(wanted, given),
                [strict([w], [g]) for g, w in zip(given, wanted)])
        except (ValueError, KeyError):
            case["span_f1_strict"] = None
        cases.append(case)
    # Strict needs as many that it can read.
    for _ in range(CASES // 3):
        wanted = [[rng.choice(usual) for _ in range(8)] for _ in range(2)]
        given = [[t if rng.random() < 0.8 else rng.choice(usual) for t in s]
                 for s in wanted]
        cases.append({
            "items": [[" ".join(g), " ".join(w)]
                      for g, w in zip(given, wanted)],
            "span_f1": result(seqeval_f1(wanted, given),
                              [seqeval_f1([w], [g])
                               for g, w in zip(given, wanted)]),
            "span_f1_strict": result(
                strict(wanted, given),
                [strict([w], [g]) for g, w in zip(given, wanted)])})
    return cases


def normalize_answer(s):
    s = "".join(c for c in s.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", s).split())


def squad_f1(prediction, truth):
    p, t = normalize_answer(prediction).split(), normalize_answer(truth).split()
    same = sum((collections.Counter(p) & collections.Counter(t)).values())
    if same == 0:
        return 0
    precision, recall = 1.0 * same / len(p), 1.0 * same / len(t)
    return 2 * precision * recall / (precision + recall)


def squad_exact(prediction, truth):
    return normalize_answer(prediction) == normalize_answer(truth)


def squad_cases(rng):
    cases = []
    for _ in range(CASES):
        items = []
        for _ in range(rng.randrange(1, 5)):
            base = " ".join(rng.choice(WORDS)
                            for _ in range(rng.randrange(0, 5)))
            refs = [base] + [edit(rng, base) for _ in range(rng.randrange(3))]
            given = rng.choice([base, base.upper(), "the " + base + ".",
                                edit(rng, base), edit(rng, base), None])
            items.append([given, refs])
        case = {"items": items}
        for name, measure in (("exact_match", squad_exact),
                              ("squad_f1", squad_f1)):
            each = [0 if g is None else max(measure(g, r) for r in rs)
                    for g, rs in items]
            case[name] = result(100.0 * sum(each) / len(each),
                                [100.0 * e for e in each])
        cases.append(case)
    return cases


def label_cases(rng):
    cases = []
    for number in range(CASES):
        names = ["yes", "no", "", "é", "5", "maybe so"][:number % 6 + 1]
        wanted = [rng.choice(names) for _ in range(rng.randrange(1, 25))]
        given = [w if rng.random() < 0.7 else rng.choice(names) for w in wanted]
        right = [float(g == w) for g, w in zip(given, wanted)]
        cases.append({
            "items": list(zip(given, wanted)),
            "accuracy": result(sk.accuracy_score(wanted, given), right),
            "f1_macro": result(sk.f1_score(wanted, given, average="macro",
                                           zero_division=0), []),
            "f1_micro": result(sk.f1_score(wanted, given, average="micro",
                                           zero_division=0), right),
            "mcc": result(sk.matthews_corrcoef(wanted, given), [])})
    return cases


def main():
    warnings.simplefilter("ignore")
    rng = random.Random(SEED)
    texts, cases = text_cases(rng)
    stemmer = PorterStemmer()
    words = sorted({a + b for a in STEMS for b in SUFFIXES})
    lists = {
        "texts": texts, "text_cases": cases, "tag_cases": tag_cases(rng),
        "squad_cases": squad_cases(rng), "label_cases": label_cases(rng),
        "stems": [[w, stemmer.stem(w)] for w in rng.sample(words, 900)]}
    made_by = {"script": "tests/golden/make_golden_metrics.py",
               **{n: version(n) for n in ("sacrebleu", "rouge-score", "nltk",
                                          "seqeval", "scikit-learn")},
               "seed": SEED}

    def dump(x):
        return json.dumps(x, ensure_ascii=True, separators=(",", ":"))
    path = pathlib.Path(__file__).with_name("metrics.json")
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s' % dump(made_by))
        for name, rows in lists.items():
            f.write(',\n"%s":[\n' % name + ",\n".join(map(dump, rows)) + "\n]")
        f.write("\n}\n")
    print(path.name, path.stat().st_size,
          {k: len(v) for k, v in lists.items()},
          sum(c["span_f1_strict"] is not None for c in lists["tag_cases"]))


if __name__ == "__main__":
    main()
