"""Chats of the common families' structure as transformers renders them.

The templates are written for this test; each has what is special of its family.
Run with the Python that has transformers:
    python tests/golden/make_golden_chat_families.py

Writes: chat_families.json
"""

import json
import pathlib

import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

LOOP = "{% for m in messages %}"
END = "{% endfor %}"


def prompt(text):
    return "{% if add_generation_prompt %}{{ '" + text + "' }}{% endif %}"


TEMPLATES = {
    "ChatML": LOOP
    + "{{ m['role'] + '\\n' + m['content'] + eos_token + '\\n' }}"
    + END
    + prompt("assistant\\n"),
    # A space before the answer and before the end.
    "Llama 2": LOOP
    + "{% if m['role'] == 'user' %}"
    + "{{ bos_token + '[I] ' + m['content'] + ' [/I]' }}"
    + "{% else %}{{ ' ' + m['content'] + ' ' + eos_token }}{% endif %}"
    + END,
    # Contents are trimmed.
    "Llama 3": LOOP
    + "{% if loop.first %}{{ bos_token }}{% endif %}"
    + "{{ '[' + m['role'] + ']\\n\\n' + (m['content'] | trim) + eos_token }}"
    + END
    + prompt("[assistant]\\n\\n"),
    # Turns end with a token that is not eos.
    "Gemma": "{{ bos_token }}"
    + LOOP
    + "{{ '[' + ('model' if m['role'] == 'assistant' else m['role']) + '\\n'"
    + " + (m['content'] | trim) + '<end_of_turn>\\n' }}"
    + END
    + prompt("[model\\n"),
    # An empty thought before the last answer.
    "Qwen 3": LOOP
    + "{% if m['role'] == 'assistant' and loop.last %}"
    + "{{ 'assistant\\n<think>\\n\\n</think>\\n\\n' + m['content'] + eos_token"
    + " + '\\n' }}{% else %}"
    + "{{ m['role'] + '\\n' + m['content'] + eos_token + '\\n' }}{% endif %}"
    + END
    + prompt("assistant\\n"),
    # The whole ends with eos, turns with another token.
    "Phi 3": LOOP
    + "{{ m['role'] + '\\n' + m['content'] + '<end_of_turn>\\n' }}"
    + END
    + "{% if add_generation_prompt %}{{ 'assistant\\n' }}"
    + "{% else %}{{ eos_token }}{% endif %}",
    # The prompt ends with a space.
    "Colon": LOOP
    + "{{ m['role'] + ': ' + m['content'] + eos_token + '\\n' }}"
    + END
    + prompt("assistant: "),
}

CHATS = [
    ["one", "alpha 10", "two", "beta"],
    ["one", "alpha 10", " two ", "beta \n"],
    ["one", " alpha 10 ", "two", " beta"],
    ["q", "1"],
    ["\u00e9t\u00e9?", "\u00e0 10 h\n\n- oui\n"],
]


def main():
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.BPE()),
        bos_token="<bos>",
        eos_token="<eos>",
    )
    out = {
        "made_by": "make_golden_chat_families.py, transformers "
        + transformers.__version__,
        "families": {},
    }
    for name, template in TEMPLATES.items():
        tokenizer.chat_template = template
        cases = []
        for contents in CHATS:
            turns = [
                {"role": "assistant" if i % 2 else "user", "content": c}
                for i, c in enumerate(contents)
            ]
            cases.append(
                {
                    "turns": turns,
                    "text": tokenizer.apply_chat_template(
                        turns, tokenize=False
                    ),
                    "prompt": tokenizer.apply_chat_template(
                        turns[:-1], tokenize=False, add_generation_prompt=True
                    ),
                }
            )
        out["families"][name] = {"template": template, "cases": cases}
    path = pathlib.Path(__file__).with_name("chat_families.json")
    path.write_text(json.dumps(out, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
