"""Strings that tokenizers disagree on; see make_golden_text.py."""
import random

SEED = 20240501

HAND_PICKED = [
    "", " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n ", "a", "A", "é", "e\u0301",
    "Hello, world!", "hello world", " hello", "hello ", "  hello  ",
    "The quick brown fox jumps over the lazy dog.",
    "I'm you're he's we've they'll I'd don't CAN'T It'S",
    "’twas “quoted” — dash… and • bullet",
    "a  b   c    d     e", "tab\there", "line\nbreak", "cr\rlf\r\n\r\nend",
    "trailing spaces   \n   and indents\n\t\tx", "\u00a0nbsp\u00a0\u00a0x",
    "\u2003em\u2009thin\u200bzero\u3000ideographic", "\u180emvs \u180e x",
    "0", "12", "123", "1234567890", "3.14159", "1,000,000.00", "-42", "1e-5",
    "x  1", "\n\n42", "a 3.14 b", "a  123", "  7", "   2024-05-01", "007",
    "½ Ⅷ ² ₂ H₂O x² ①②③ ⅓", "٠١٢٣ १२३ 一二三 ๑๒๓", "v1.2.3-beta+exp.sha.5114f85",
    "áéíóú àèìòù âêîôû äëïöü ñ ç ø å", "a\u0301e\u0301i\u0301o\u0301u\u0301",
    "Å \u212b A\u030a", "ṩ s\u0323\u0307 s\u0307\u0323", "ﬁ ﬂ ﬀ ﬃ", "Straße ẞ ß",
    "İstanbul ısı I i", "ΑΣ σς Σ", "Привет, мир! Ёлка ёж", "Ђорђе",
    "你好,世界。", "今日は良い天気ですね。カタカナ ひらがな", "안녕하세요 세계",
    "각 \u1100\u1161\u11a8", "𠜎𠜱𠝹", "漢字と仮名まじり文abc123",
    "مرحبا بالعالم ١٢٣", "שלום עולם", "สวัสดีชาวโลก", "नमस्ते दुनिया",
    "হ্যালো", "ภาษาไทย123", "தமிழ்", "ខ្មែរ", "ქართული", "Հայերեն", "አማርኛ",
    "😀", "😀😃😄", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷🇩🇪", "a😀b", "❤️ ☺ ☺️", "🤷🏻‍♀️ ok",
    "text 🚀 rocket 🚀🚀!", "e⃣ 1️⃣", "\u200d", "\ufe0f",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>user\nHi<|im_end|>",
    "a<|im_end|>b", " <|im_end|> ", "<|im_end|><|im_end|>", "<|im_end", "im_end|>",
    "<|IM_END|>", "<file_sep>a<jupyter_start>", "<repo_name>x/y<file_sep>",
    "[CLS] a [SEP] b [MASK] [PAD] [UNK]", "[cls] [sep]", "<pad><unk><bos><eos>",
    "<s> </s>", "x<0x41>y",
    "\x00", "a\x00b", "\x01\x02\x03", "\x07\x08\x0b\x0c", "\x1b[31mred\x1b[0m",
    "\x7f", "\x80\x9f", "\x85", "\ufeffBOM", "\ufffd", "\u2028ls\u2029ps",
    "\u202eRLO\u202c", "\ue000private", "\U0010ffff", "\ufffe", "\U000e0041",
    "def f(x):\n    return x ** 2  # square\n",
    "for (int i = 0; i < n; ++i) {\n\ta[i] += b[i];\n}\n",
    "#include <vector>\nstd::vector<int> v{1, 2, 3};",
    "SELECT * FROM t WHERE a = 'x''y' AND b >= 10;", "if(a&&b||!c){d=~e^f;}",
    "snake_case camelCase PascalCase SCREAMING_CASE kebab-case",
    "__init__ __main__ _x_ x__y", "C:\\Users\\name\\file.txt", "/usr/local/bin",
    "https://www.example.com/path?query=1&b=%20#frag", "user@example.org",
    "ftp://127.0.0.1:8080", "www.x.y", "#hashtag @mention $9.99 50% &amp; 100€ £5 ¥",
    "{\"key\": [1, 2.5, null, true], \"s\": \"\\u00e9\\n\"}",
    "<div class=\"a\">text</div><!-- c -->", "| a | b |\n|---|---|\n| 1 | 2 |",
    "$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$", "E = mc²", "a→b ⇒ c ≠ d ≤ e ∞ ∑ √",
    "!!!", "???!!!...", "....", "-----", "=====", "_____", "*****", "'''", "\"\"\"",
    "``` code ```", "'s 't 're 've 'm 'll 'd", "'S 'T 'RE", "x's y 's", "''s",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "ALLCAPSWORD MiXeDcAsE", "unaffable playing tokenization embeddings",
    "ⓐⓑⓒ Ａｂｃ ｶﾀｶﾅ ㎏ ℃ №", "ﷺ", "Ǆ ǅ ǆ", "\u0344 \u0340", "क़ \u0958",
    "a\u0300\u0301\u0302\u0303b", "\u0301leading mark", "x\u20e3",
    "Æneas ‘tis “Alice” — ù said the {Hatter} & [Queen]_",
    "Alice was beginning to get very tired of sitting by her sister on the bank,",
    "The Mock Turtle sighed deeply, and began, in a voice sometimes choked with sobs",
    "“Curiouser and curiouser!” cried Alice (she was so much surprised)",
    "▁under▁score▁", " ▁ ▁▁ x", "Ġspace Ċnewline", "ĠĠ",
    "\n \n  \n   ", "a \n b \n\n c", "x\n\n\n\ny", "    if x:\n        y\n",
    "\t\t\tdeep\n\t\tless", "a\u2028b", "\u00adsoft\u00adhyphen",
    "word" * 60, "ab " * 100, "é" * 80, "中" * 70, "😀" * 40, "1" * 90,
    " " * 100, "\n" * 70, "x" + " " * 33 + "y", "-" * 200, "=" * 77,
    "lorem ipsum " * 30, "a" * 500, "Zz" * 150,
]

ALPHABETS = [
    "abcdefghij ABC", "aé e\u0301ñ n\u0303ü ", "0123456789 .,-", " \t\n\r",
    "你好世界カナ가각", "😀👍🏽\u200d❤️ ", "абвгдЁё ", "مرحبا ١٢", "สวัสดี ",
    "<|im_end>start", "'stremvld ", "½Ⅷ²①٣ x", "{}[]()<>=+*/\\\"';:", "_-a1 ",
    "▁ aĠb", "\u0300\u0301\u0323as ", "\u00a0\u2003\u3000\u200bx",
]


def make_strings(count):
    """`count` strings: the hand-picked ones, then seeded random mixtures."""
    rng = random.Random(SEED)
    strings = list(dict.fromkeys(HAND_PICKED))
    while len(strings) < count:
        parts = []
        for _ in range(rng.randint(1, 6)):
            alphabet = rng.choice(ALPHABETS)
            parts.append("".join(rng.choice(alphabet)
                                 for _ in range(rng.randint(1, 12))))
        strings.append("".join(parts))
    if count < len(strings):
        strings = rng.sample(strings, count)
    return strings
