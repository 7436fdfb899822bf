"""Strings of random Unicode beside text_strings.py's; see
make_golden_tokenizers.py. Ranges are those that tokenizers treat apart."""
import random

import text_strings

SEED = 20261201

# (first, last) of code points; drawn from uniformly, a range at a time.
RANGES = [
    (0x00, 0x1F), (0x20, 0x7E), (0x7F, 0xFF), (0x100, 0x24F), (0x2B0, 0x36F),
    (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x6FF), (0x900, 0x97F),
    (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2000, 0x206F),
    (0x2070, 0x20CF), (0x2100, 0x218F), (0x2460, 0x24FF), (0x2580, 0x25FF),
    (0x3000, 0x30FF), (0x3130, 0x318F), (0x4E00, 0x4E80), (0xAC00, 0xAC80),
    (0xD7F0, 0xD7FF), (0xE000, 0xE00F), (0xF900, 0xF920), (0xFB00, 0xFB06),
    (0xFE00, 0xFE0F), (0xFF01, 0xFFEF), (0xFFF9, 0xFFFD), (0x1D400, 0x1D430),
    (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F3FF), (0x1F600, 0x1F64F),
    (0x20000, 0x20020), (0xE0020, 0xE007F), (0x10FFF0, 0x10FFFD),
]
WHOLE = [
    "\u200d", "\ufe0f", "👨‍👩‍👧‍👦", "👩🏽‍🚀", "🏳️‍🌈", "🇫🇷", "e\u0301", "\u0344", "ﬁ\u0301",
    "\r\n", "\r", "\t\t", "   ", "                ", "▁", "▁▁", " ▁ ", "\x00",
    "<s>", "</s>", "<unk>", "<pad>", "<|im_end|>", "<sep>", "<0x41>", "[CLS]",
    "user", "user-defined", "the", " the", "ing", "\ud7ff", "\ue000", "\ufffd",
    "가각", "\u1100\u1161\u11a8", "한국어", "日本語テキスト", "Straße", "ΑΣ", "İ", "’s", "'ll",
    "12", "1234567", "½", "Ⅷ", "\u3000", "\xa0", "\u2028", "...", "!?", "--",
]


def make_strings(count):
    """`count` strings: those of text_strings.py first."""
    rng = random.Random(SEED)
    strings = list(dict.fromkeys(
        s for s in text_strings.HAND_PICKED if len(s) <= 120))
    strings += [s for s in text_strings.make_strings(300)
                if s not in strings and len(s) <= 60][:150]
    words = [w for s in text_strings.HAND_PICKED for w in s.split()
             if w.isascii() and len(w) < 20]
    while len(strings) < count:
        parts = []
        for _ in range(rng.randint(1, 7)):
            kind = rng.random()
            if kind < 0.3:
                parts.append(rng.choice(WHOLE))
            elif kind < 0.6:
                parts.append(" ".join(rng.choices(words, k=rng.randint(1, 3))))
            else:
                low, high = rng.choice(RANGES)
                parts.append("".join(chr(rng.randint(low, high))
                                     for _ in range(rng.randint(1, 5))))
            if rng.random() < 0.4:
                parts.append(" ")
        strings.append("".join(parts))
    return strings[:count]
