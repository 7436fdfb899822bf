#!/usr/bin/env python3
"""Writes windows.json: the windows that perplexity is measured in elsewhere.

  make_golden_windows.py UTILS.py

Needs lm_eval/utils.py of lm-eval 0.4.13, of which the two functions are read
that are called here. A case has the number of tokens and of those that a model
reads at once; a window is [first token, tokens, how many of its last ones are
predicted]. "rolling" are lm-eval's, their prefix token being token 0; "strided"
those of transformers' guide to the perplexity of models of a fixed length,
written out here.

Writes: windows.json
"""
import ast
import json
import pathlib
import sys
import typing


def functions_of(path):
    wanted = ("get_rolling_token_windows", "make_disjoint_window")
    found = [n for n in ast.parse(pathlib.Path(path).read_text()).body
             if isinstance(n, ast.FunctionDef) and n.name in wanted]
    names = {"Generator": typing.Generator}
    exec(compile(ast.Module(found, []), path, "exec"), names)
    return [names[w] for w in wanted]


def strided(tokens, length, stride):
    out, before = [], 0
    for begin in range(0, tokens, stride):
        end = min(begin + length, tokens)
        fresh = end - before
        # The first token of a window is only read: labels are shifted.
        out.append([begin, end - begin, min(fresh, end - begin - 1)])
        before = end
        if end == tokens:
            break
    return [w for w in out if w[2] > 0]


def main():
    rolling, disjoint = functions_of(sys.argv[1])
    cases = []
    for tokens in (1, 2, 5, 8, 9, 16, 17, 30, 61):
        for length in (2, 4, 8, 16):
            windows = [disjoint(w) for w in rolling(
                list(range(1, tokens + 1)), 0, length, 1)]
            cases.append({"tokens": tokens + 1, "length": length,
                          "rolling": [[a[0], b[-1] - a[0] + 1, len(b)]
                                      for a, b in windows]})
            for stride in (1, 2, 3, length - 1):
                if 0 < stride < length:
                    cases.append({"tokens": tokens, "length": length,
                                  "stride": stride, "strided":
                                  strided(tokens, length, stride)})
    path = pathlib.Path(__file__).with_name("windows.json")
    with open(path, "w", encoding="ascii") as f:
        json.dump({"made_by": {"script": "tests/golden/make_golden_windows.py",
                               "lm_eval": "0.4.13"}, "cases": cases}, f,
                  separators=(",", ":"))
    print(path.name, path.stat().st_size, len(cases))


if __name__ == "__main__":
    main()
