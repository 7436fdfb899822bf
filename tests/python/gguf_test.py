"""GGUF files of `export --gguf` in llama.cpp itself (the package llama_cpp):
every decoder family loads and has our logits; of the default model f16 has the
greedy text, q8_0 the perplexity, and both our tokens.

    gguf_test.py SFTBENCH

The package has no wheel; how it is built is in CONTRIBUTING.md. It is looked for
as the other tests' packages are (SFTBENCH_PYTHON).
"""

import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile

import support

support.forget_skips()
support.run_again_with("gguf", "llama_cpp", "numpy", need="llama.cpp")

import llama_cpp as lc  # noqa: E402
import numpy as np  # noqa: E402

GOLDEN = support.ROOT / "tests" / "golden"
DEFAULT = "smollm2-135m-instruct"
NEW_TOKENS = 40
WINDOW, WINDOWS = 256, 6
TIE = 1e-2
PROMPTS = [
    "The lighthouse stood at the far end of the harbour wall.",
    "Question: What is the capital of France?\nAnswer:",
    "def fibonacci(n):\n",
    "<|im_start|>user\nName three fruits.<|im_end|>\n<|im_start|>assistant\n",
    "Once upon a time there was a small village",
    "In 1969, the first people",
    "La tour Eiffel se trouve à",
    "1, 2, 3, 4, 5, 6,",
    "Dear Sir or Madam,\n\nI am writing to",
    "The main difference between a list and a tuple is",
]
TEXTS = [*PROMPTS, "a  123\t\n\n x", "naïve café – 東京 🙂", "don't we'll I'M",
         "<|im_end|><|im_start|>", " ", "\n"]


class Llama:
    """A model of llama.cpp, with f32 keys and values and no warnings."""

    def __init__(self, path, context):
        params = lc.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = lc.llama_model_load_from_file(str(path).encode(), params)
        assert self.model, f"llama.cpp does not load {path}"
        self.vocabulary = lc.llama_model_get_vocab(self.model)
        self.tokens = lc.llama_vocab_n_tokens(self.vocabulary)
        params = lc.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = context
        params.type_k = params.type_v = 0  # f32
        params.n_threads = params.n_threads_batch = 2
        params.flash_attn_type = lc.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = lc.llama_init_from_model(self.model, params)
        assert self.context
        self.batch = lc.llama_batch_init(context, 0, 1)

    def close(self):
        lc.llama_batch_free(self.batch)
        lc.llama_free(self.context)
        lc.llama_model_free(self.model)

    def read(self, ids, start=0):
        """Logits [ids, vocabulary] behind what was read up to `start`."""
        if start == 0:
            lc.llama_memory_clear(lc.llama_get_memory(self.context), True)
        batch = self.batch
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i] = token
            batch.pos[i] = start + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = True
        assert lc.llama_decode(self.context, batch) == 0
        return np.array([np.ctypeslib.as_array(
            lc.llama_get_logits_ith(self.context, i), (self.tokens,)).copy()
            for i in range(len(ids))])

    def tokenize(self, text):
        raw = text.encode()
        ids = (lc.llama_token * (len(raw) + 8))()
        count = lc.llama_tokenize(self.vocabulary, raw, len(raw), ids,
                                  len(ids), False, True)
        assert count >= 0
        return list(ids[:count])

    def is_end(self, token):
        return lc.llama_vocab_is_eog(self.vocabulary, token)


def ours(words, text):
    done = subprocess.run([sys.argv[1], *map(str, words)], input=text, text=True,
                          capture_output=True, check=True)
    return done.stdout


def our_logits(model, ids):
    lines = ours(["logits", model], " ".join(map(str, ids))).splitlines()
    return np.array([np.array(line.split(), np.float64) for line in lines])


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def export(model, kind, path):
    done = subprocess.run(
        [sys.argv[1], "export", str(model), "--gguf", kind, str(path)],
        text=True, capture_output=True, check=False)
    return done.returncode, done.stderr


def sources():
    """Checkpoints of transformers', and files with the numbers that llama.cpp
    takes for granted."""
    files = sorted((GOLDEN / "gguf").glob("*.gguf"))
    return sorted((GOLDEN / "decoders").iterdir()) + [
        file for file in files
        if "-of-" not in file.name or "-00001-of-" in file.name]


def check_families(folder):
    """Weights are as they were in f32: what is left is arithmetic, and the table
    of halves that llama.cpp has for GELU. In f16 it rounds what a map reads."""
    loaded, refused = [], []
    for source in sources():
        gelu = any(part in source.name for part in ("gemma", "gpt"))
        far = {}
        for kind, bound in (("f32", 5e-3 if gelu else 1e-4), ("f16", 2e-2)):
            path = folder / f"{source.stem}-{kind}.gguf"
            code, said = export(source, kind, path)
            if code != 0:
                assert "cannot be exported" in said, said
                break
            # Beyond a window that it ignores it computes something else.
            length = 4 if "no window" in said else 24
            ids = [(7 * i * i + 3 * i) % 40 + 3 for i in range(length)]
            mine = our_logits(path, ids)
            if kind == "f32":
                assert distance(mine, our_logits(source, ids)) < 1e-5
            theirs = Llama(path, 64)
            far[kind] = distance(theirs.read(ids), mine)
            theirs.close()
            print(f"{source.name}: {kind}: logits differ by {far[kind]:.2g} of "
                  "their norm")
            assert far[kind] < bound, source.name
        if far:
            loaded.append(source.name)
        else:
            refused.append(source.name)
            print(f"{source.name}: refused: {said.strip()[-110:]}")
    assert len(loaded) >= 20, loaded
    return loaded, refused


def check_greedy(path):
    theirs = Llama(path, 256)
    for text in TEXTS:
        for line in text.split("\n"):
            said = ours(["tokenize", DEFAULT], line + "\n").split()
            assert theirs.tokenize(line) == [int(i) for i in said], line
    equal, ties = 0, 0
    for prompt in PROMPTS:
        ids = theirs.tokenize(prompt)
        start = len(ids)
        logits = theirs.read(ids)[-1]
        while len(ids) < start + NEW_TOKENS:
            token = int(logits.argmax())
            ids.append(token)
            if theirs.is_end(token):
                break
            logits = theirs.read([token], len(ids) - 1)[0]
        # What we would write behind each of its tokens.
        mine = our_logits(DEFAULT, ids[:-1])[start - 1:]
        chosen = mine[np.arange(len(mine)), ids[start:]]
        gaps = mine.max(axis=1) - chosen
        assert gaps.max() < TIE, (prompt, gaps.max())
        ties += int((gaps > 0).sum())
        equal += int((gaps == 0).all())
    theirs.close()
    print(f"f16: {equal} of {len(PROMPTS)} greedy texts equal, "
          f"{ties} tokens differ at ties within {TIE}")
    assert equal >= len(PROMPTS) - 2


def check_perplexity(path, text):
    said = json.loads(ours(
        ["eval", DEFAULT, "--task", "perplexity", "--file", text, "--window",
         WINDOW, "--limit", WINDOW * WINDOWS, "--json"], ""))
    metrics = json.dumps(said)
    mine = value_of(said, "perplexity")
    assert mine, metrics[:400]
    theirs = Llama(path, WINDOW)
    ids = theirs.tokenize(pathlib.Path(text).read_text())[:WINDOW * WINDOWS]
    nats = []
    for start in range(0, len(ids), WINDOW):
        part = ids[start:start + WINDOW]
        logits = theirs.read(part)[:-1].astype(np.float64)
        top = logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        nats.extend(total - logits[np.arange(len(part) - 1), part[1:]])
    theirs.close()
    other = float(np.exp(np.mean(nats)))
    print(f"q8_0: perplexity {other:.4f}, ours {mine:.4f} "
          f"({100 * (other / mine - 1):+.3f} %)")
    assert abs(other / mine - 1) < 0.01


def value_of(said, metric):
    """The value beside "metric" or under it, wherever it stands."""
    if isinstance(said, dict):
        for name in ("metric", "name"):
            if said.get(name) == metric and "value" in said:
                return said["value"]
        said = list(said.values())
    if isinstance(said, list):
        for part in said:
            if (found := value_of(part, metric)) is not None:
                return found
    return None


def main():
    quiet = lc.llama_log_callback(lambda level, text, data: None)
    lc.llama_log_set(quiet, ctypes.c_void_p(0))
    lc.llama_backend_init()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        loaded, refused = check_families(folder)
        print(f"{len(loaded)} checkpoints in llama.cpp, refused: {refused}")
        path = folder / "m.gguf"
        code, said = export(DEFAULT, "f16", path)
        if code != 0 and "missing" in said:
            support.skip("gguf", "assets", said.strip(), in_part=True)
            return
        assert code == 0, said
        check_greedy(path)
        again = folder / "again.gguf"
        assert export(path, "f16", again)[0] == 0
        assert path.read_bytes() == again.read_bytes(), "f16 of f16 is itself"
        again.unlink()
        path.unlink()
        code, said = export(DEFAULT, "q8_0", path)
        assert code == 0, said
        check_perplexity(path, support.ROOT / "README.md")


if __name__ == "__main__":
    main()
