#!/usr/bin/env python3
"""Generation by transformers.

  python make_golden_generate.py [--smollm2 GGUF]

Needs torch, transformers, and gguf for --smollm2, the default model's file.
Writes beside itself generate.json, of the tiny checkpoints in decoders/:
  families    greedy answers of 20 prompts and beam searches, a model each
  greedy      answers of 10 prompts of other models
  sampling    logits and what temperature, top_k and top_p leave of them
or, with --smollm2, smollm2_generate.json: 20 prompts, greedy, the smallest gap
between the likeliest two tokens, and beam searches of five of them.

Writes: generate.json smollm2_generate.json
"""
import argparse
import json
import pathlib

import torch
import transformers as tf
from transformers.generation.logits_process import (
    TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20261127
VOCABULARY = 97
PROMPTS = 20
GREEDY_PROMPTS = 10
NEW_TOKENS = 20
FAMILIES = ("mistral", "qwen2", "qwen3", "gemma2", "gemma3", "gpt2")
GREEDY = ("gemma", "gpt_neox", "gpt_neox_serial", "granite", "olmo2", "opt",
          "phi3", "smollm3")
BEAMS = [dict(num_beams=4, length_penalty=1.0),
         dict(num_beams=4, length_penalty=0.0),
         dict(num_beams=4, length_penalty=2.5),
         dict(num_beams=3, length_penalty=-1.0),
         dict(num_beams=2, length_penalty=0.6)]


# Of the default model; chats where True.
SMOLLM2 = [
    (False, "The three primary colours are"),
    (False, "Once upon a time, in a village by the sea,"),
    (False, "Water boils at"),
    (False, "def fibonacci(n):\n    "),
    (False, "The opposite of 'hot' is"),
    (False, "My favourite season is autumn, because"),
    (False, "1, 2, 3, 4, 5,"),
    (False, "Dear Mr Brown,\n\nThank you for your letter of"),
    (False, "The largest planet of the solar system is"),
    (False, "Bonjour, je m'appelle"),
    (True, "What is the capital of France?"),
    (True, "Give me three tips for a good night's sleep."),
    (True, "Translate into German: The cat sleeps."),
    (True, "Is 17 a prime number? Answer yes or no."),
    (True, "Write a haiku about rain."),
    (True, "Name a fruit that is yellow."),
    (True, "What is 12 plus 30?"),
    (True, "Who wrote the play Hamlet?"),
    (True, "Summarize in one sentence: Bees visit flowers, carry pollen and "
           "so help plants to bear fruit."),
    (True, "List the days of the week."),
]


def smollm2(path):
    path = pathlib.Path(path)
    where = dict(pretrained_model_name_or_path=path.parent,
                 gguf_file=path.name)
    model = tf.AutoModelForCausalLM.from_pretrained(
        **where, dtype=torch.float32, attn_implementation="sdpa").eval()
    tokenizer = tf.AutoTokenizer.from_pretrained(**where)
    stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
    rows = []
    for chat, text in SMOLLM2:
        if chat:
            text = tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], tokenize=False,
                add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False).input_ids
        out = model.generate(
            torch.tensor([ids]), do_sample=False, max_new_tokens=32,
            eos_token_id=stop, pad_token_id=stop, output_scores=True,
            return_dict_in_generate=True)
        gap = min(float(two[0] - two[1])
                  for two in (s[0].topk(2).values for s in out.scores))
        row = {"text": text, "ids": ids, "gap": round(gap, 6),
               "answer": out.sequences[0, len(ids):].tolist()}
        if len(rows) % 4 == 0:
            row["beams"] = generate(model, ids, [stop], num_beams=4,
                                    length_penalty=1.0)
        rows.append(row)
        print(tokenizer.decode(row["answer"]).replace("\n", " "), row["gap"])
    write("smollm2_generate.json", {"stop": stop, "prompts": rows})


def write(name, content):
    text = json.dumps({
        "made_by": {"script": "tests/golden/make_golden_generate.py",
                    "torch": torch.__version__.split("+")[0],
                    "transformers": tf.__version__, "seed": SEED},
        **content}, separators=(",", ":"), ensure_ascii=False)
    (HERE / name).write_text(text + "\n")
    print(name, len(text), "bytes")


def generate(model, ids, stops, **options):
    out = model.generate(
        torch.tensor([ids]), do_sample=False, max_new_tokens=NEW_TOKENS,
        eos_token_id=stops or None, pad_token_id=0, early_stopping=False
        if options else None, **options)
    return out[0, len(ids):].tolist()


def prompted(name, count):
    generator = torch.Generator().manual_seed(SEED)
    model = tf.AutoModelForCausalLM.from_pretrained(
        HERE / "decoders" / name, dtype=torch.float32,
        attn_implementation="eager").eval()
    model.generation_config.eos_token_id = None
    prompts = [torch.randint(3, VOCABULARY, (3 + 2 * i % 29,),
                             generator=generator).tolist()
               for i in range(count)]
    return model, prompts, [generate(model, ids, []) for ids in prompts]


def greedy(name):
    _, prompts, answers = prompted(name, GREEDY_PROMPTS)
    print(name, "greedy distinct", len({t for a in answers for t in a}))
    return {"prompts": prompts, "answers": answers}


def family(name):
    model, prompts, answers = prompted(name, PROMPTS)
    # What stops beams must be what they meet.
    flat = sorted(t for answer in answers for t in answer)
    common = sorted(set(flat), key=lambda t: (-flat.count(t), t))
    beams = []
    for i, ids in enumerate(prompts):
        options = BEAMS[i % len(BEAMS)]
        for stops in ([], common[2:3], common[1:4], common[4:12]):
            beams.append({"prompt": i, "stops": stops, **options,
                          "answer": generate(model, ids, stops, **options)})
    stopped = sum(len(b["answer"]) < NEW_TOKENS for b in beams)
    print(name, "beams", len(beams), "that stopped", stopped, "distinct",
          len({tuple(b["answer"]) for b in beams}))
    return {"prompts": prompts, "answers": answers, "beams": beams}


def sampling():
    generator = torch.Generator().manual_seed(SEED)
    cases = []
    for temperature in (0.5, 1.0, 1.7):
        for top_k in (0, 1, 3, 40):
            for top_p in (0.2, 0.75, 1.0):
                logits = torch.randn(
                    12, generator=generator, dtype=torch.float64) * 2
                scores = logits[None]
                for warp in ([TemperatureLogitsWarper(temperature)]
                             + ([TopKLogitsWarper(top_k)] if top_k else [])
                             + ([TopPLogitsWarper(top_p)] if top_p < 1
                                else [])):
                    scores = warp(None, scores)
                cases.append({"logits": logits.tolist(),
                              "temperature": temperature, "top_k": top_k,
                              "top_p": top_p,
                              "probabilities": scores.softmax(-1)[0].tolist()})
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smollm2")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.smollm2:
        smollm2(args.smollm2)
        return
    write("generate.json",
          {"families": {name: family(name) for name in FAMILIES},
           "greedy": {name: greedy(name) for name in GREEDY},
           "sampling": sampling()})


if __name__ == "__main__":
    main()
