"""Twenty and more conversations a chat template, as transformers renders them.

    python tests/golden/make_golden_chat_forms.py [--real FOLDER]

"forms": templates of our own writing in the families' forms (chat_forms.py).
"real": the families' own, read from FOLDER/NAME.jinja: most of them as
scripts/fetch_assets.py --table scripts/chat_templates.tsv puts them into
assets/chat_templates, the others from where REAL says. They are others' texts:
the file keeps digests alone. Without --real, or without a file, those stay.
Each conversation (chat_conversations.py) has two texts, without and with a
generation prompt: the first 16 digits of the SHA-256 of the text and, behind a
zero byte each, of what {% generation %} wrote; null where transformers raises.
The day is 2024-07-26. Made with transformers 5.24.0, jinja2 3.1.6; no seed.

Writes: chat_forms.json
"""

import argparse
import datetime
import hashlib
import json
import pathlib
from importlib.metadata import version

import transformers.utils.chat_template_utils as utils
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from chat_conversations import CONVERSATIONS
from chat_forms import FORMS

HERE = pathlib.Path(__file__).parent

LLAMA3 = ("<|begin_of_text|>", "<|eot_id|>")
SP = ("<s>", "</s>")
GEMMA = ("<bos>", "<eos>")
QWEN = ("", "<|im_end|>")
PHI = ("<s>", "<|endoftext|>")
GRANITE = ("<|end_of_text|>", "<|end_of_text|>")
OTHERS = "github.com/chujiezheng/chat_templates 11c4956 chat_templates/"
PACKAGE = "scripts/chat_templates.tsv"
# Name: bos, eos, where the text comes from.
REAL = {
    "llama-2": (*SP, OTHERS + "llama-2-chat.jinja"),
    "llama-3": (*LLAMA3, PACKAGE),
    "llama-3-training": (*LLAMA3, PACKAGE),
    "llama-3.1": (*LLAMA3, PACKAGE),
    "llama-3.2": (*LLAMA3, PACKAGE),
    "llama-3.3": (*LLAMA3, PACKAGE),
    "mistral-v1": (*SP, PACKAGE),
    "mistral-v3": (*SP, PACKAGE),
    "mistral-v3-tekken": (*SP, PACKAGE),
    "mistral-nemo": (*SP, PACKAGE),
    "mistral-small-3.2": (*SP, PACKAGE),
    "qwen2.5": (*QWEN, PACKAGE),
    "qwen2.5-training": (*QWEN, PACKAGE),
    "qwen3": (*QWEN, PACKAGE),
    "qwen3-training": (*QWEN, PACKAGE),
    "gemma": (*GEMMA, PACKAGE),
    "gemma-2": (*GEMMA, PACKAGE),
    "gemma-3": (*GEMMA, PACKAGE),
    "gemma-3-training": (*GEMMA, PACKAGE),
    "phi-3": (*PHI, PACKAGE),
    "phi-3-training": (*PHI, PACKAGE),
    "phi-3.5": (*PHI, PACKAGE),
    "smollm2": (*QWEN, "assets/models/smollm2-135m-instruct, its GGUF file"),
    "smollm3": (*QWEN, PACKAGE),
    "olmo-2": (
        "<|endoftext|>",
        "<|endoftext|>",
        "{{ bos_token }} before open_instruct's chat template 'tulu'",
    ),
    "granite-3.0": (*GRANITE, OTHERS + "granite-3.0-instruct.jinja"),
    "granite-3.3": (*GRANITE, PACKAGE),
    "zephyr": (*SP, OTHERS + "zephyr.jinja"),
    "chatml": (*QWEN, PACKAGE),
    "vicuna": (*SP, OTHERS + "vicuna.jinja"),
    "alpaca": (*SP, PACKAGE),
}
PLAIN = 22  # the first of them, which every template must write


class FixedDay(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


def digest(text, ranges):
    whole = text.encode()
    for begin, end in ranges:
        whole += b"\0" + text[begin:end].encode()
    return hashlib.sha256(whole).hexdigest()[:16]


def rendered(template, bos, eos, chat, prompt):
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.BPE()),
        bos_token=bos or None,
        eos_token=eos or None,
    )
    words = {"bos_token": bos, "eos_token": eos, **(chat["variables"] or {})}
    try:
        text = tokenizer.apply_chat_template(
            chat["messages"],
            tokenize=False,
            chat_template=template,
            add_generation_prompt=prompt,
            **words,
        )
    except Exception:  # whatever a template comes to
        return None
    if "generation %}" not in template:
        return digest(text, [])
    messages = [
        {k: v for k, v in m.items() if v is not None} for m in chat["messages"]
    ]
    again, ranges = utils.render_jinja_template(
        [messages],
        chat_template=template,
        return_assistant_tokens_mask=True,
        add_generation_prompt=prompt,
        **words,
    )
    assert again == [text]
    return digest(text, ranges[0])


def texts(name, template, bos, eos):
    out = [
        [rendered(template, bos, eos, chat, prompt) for prompt in (False, True)]
        for chat in CONVERSATIONS
    ]
    assert all(pair[0] for pair in out[:PLAIN]), name
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=pathlib.Path)
    real = parser.parse_args().real
    utils.datetime = FixedDay
    path = HERE / "chat_forms.json"
    lists = {"forms": [], "real": []}
    for name, (bos, eos, template) in FORMS.items():
        lists["forms"].append(
            {
                "name": name,
                "bos": bos,
                "eos": eos,
                "template": template,
                "texts": texts(name, template, bos, eos),
            }
        )
    kept = {}
    if path.exists():
        kept = {r["name"]: r for r in json.loads(path.read_text())["real"]}
    for name, (bos, eos, source) in REAL.items():
        file = None if real is None else real / (name + ".jinja")
        if file is None or not file.exists():
            lists["real"] += [kept[name]] if name in kept else []
            continue
        template = file.read_bytes().decode()
        lists["real"].append(
            {
                "name": name,
                "bos": bos,
                "eos": eos,
                "source": source,
                "sha256": hashlib.sha256(template.encode()).hexdigest(),
                "texts": texts(name, template, bos, eos),
            }
        )
    made_by = {
        "script": "tests/golden/make_golden_chat_forms.py",
        "transformers": version("transformers"),
        "jinja2": version("jinja2"),
        "seed": None,
    }
    lists = {"conversations": CONVERSATIONS, **lists}
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s' % json.dumps(made_by))
        for key, items in lists.items():
            rows = ",\n".join(json.dumps(item) for item in items)
            f.write(',\n"%s":[\n%s\n]' % (key, rows))
        f.write("\n}\n")
    print(path, path.stat().st_size)
    for item in lists["forms"] + lists["real"]:
        print(item["name"], sum(p[0] is not None for p in item["texts"]))


if __name__ == "__main__":
    main()
