#!/usr/bin/env python3
"""Writes small Parquet files by pyarrow, and their rows as pyarrow reads them.

  make_golden_parquet.py

Needs pyarrow 26.0.1. All values are made up. rows.json has the rows of each
file; times and decimals stand in it as Python's str() has them, bytes that are
no text as null, classes by their names.

Writes: parquet/{plain,snappy,gzip,zstd_v2,delta,streams,groups}.parquet
  parquet/{nested,types,classes,categories}.parquet parquet/rows.json
"""
import datetime
import decimal
import json
import math
import pathlib
import random

import pyarrow as pa
import pyarrow.parquet as pq

SEED = 20261202
WORDS = "the cat sat on the mat é 你好 😀 a-b \"q\" x,y \n".split(" ")


def texts(rng, n):
    return [None if rng.random() < 0.1 else
            " ".join(rng.choice(WORDS) for _ in range(rng.randrange(0, 9)))
            for _ in range(n)]


def plain_table(rng, n):
    return pa.table({
        "text": texts(rng, n),
        "label": [rng.choice(["pos", "neg"]) for _ in range(n)],
        "number": pa.array([rng.randrange(-2**62, 2**62) for _ in range(n)]),
        "small": pa.array([None if i % 7 == 3 else i - 5 for i in range(n)],
                          pa.int32()),
        "real": [rng.gauss(0, 1e3) for _ in range(n)],
        "single": pa.array([rng.gauss(0, 1) for _ in range(n)], pa.float32()),
        "yes": [rng.random() < 0.5 for _ in range(n)],
        "maybe": [None if rng.random() < 0.8 else True for _ in range(n)],
        "nothing": pa.array([None] * n, pa.string()),
    })


def nested_table(rng, n):
    def some(make, most):
        r = rng.random()
        if r < 0.15:
            return None
        return [make() for _ in range(rng.randrange(0, most))]

    def word():
        return None if rng.random() < 0.1 else rng.choice(WORDS)

    def turn():
        if rng.random() < 0.1:
            return None
        return {"role": rng.choice(["user", "assistant", None]),
                "content": word()}

    def answers():
        if rng.random() < 0.1:
            return None
        return {"text": some(word, 4), "answer_start":
                some(lambda: rng.randrange(99), 4)}

    return pa.table({
        "tokens": pa.array([some(word, 5) for _ in range(n)],
                           pa.list_(pa.string())),
        "lists": pa.array([some(lambda: some(lambda: rng.randrange(9), 4), 4)
                           for _ in range(n)],
                          pa.list_(pa.list_(pa.int64()))),
        "messages": pa.array([some(turn, 4) for _ in range(n)],
                             pa.list_(pa.struct([("role", pa.string()),
                                                 ("content", pa.string())]))),
        "answers": pa.array([answers() for _ in range(n)], pa.struct(
            [("text", pa.list_(pa.string())),
             ("answer_start", pa.list_(pa.int32()))])),
        "deep": pa.array([some(lambda: {"a": some(lambda: {"b": word()}, 3)}, 3)
                          for _ in range(n)], pa.list_(pa.struct(
                              [("a", pa.list_(pa.struct(
                                  [("b", pa.string())])))]))),
        "pairs": pa.array([None if rng.random() < 0.2 else
                           [(w, rng.randrange(5)) for w in
                            rng.sample(["a", "b", "c"], rng.randrange(4))]
                           for _ in range(n)],
                          pa.map_(pa.string(), pa.int64())),
        "needed": pa.array([[1] * (i % 3) for i in range(n)],
                           pa.list_(pa.field("item", pa.int64(),
                                             nullable=False))),
    })


def types_table():
    day = datetime.date
    utc = datetime.timezone.utc
    at = [datetime.datetime(1969, 12, 31, 23, 59, 59, 250000),
          datetime.datetime(2026, 2, 28, 1, 2, 3), None]
    return pa.table({
        "day": pa.array([day(1969, 12, 31), day(2000, 2, 29), day(1, 1, 1)]),
        "ms": pa.array(at, pa.timestamp("ms")),
        "us": pa.array([a and a.replace(tzinfo=utc) for a in at],
                       pa.timestamp("us", tz="UTC")),
        "of_day": pa.array([datetime.time(1, 2, 3), None,
                            datetime.time(23, 59, 59, 5)], pa.time64("us")),
        "money": pa.array([decimal.Decimal("-0.05"), None,
                           decimal.Decimal("123.40")], pa.decimal128(9, 2)),
        "large": pa.array([decimal.Decimal("12345678901234.567"), None,
                           decimal.Decimal("-1.000")], pa.decimal128(25, 3)),
        "unsigned": pa.array([0, 2**64 - 1, None], pa.uint64()),
        "byte": pa.array([255, 0, None], pa.uint8()),
        "binary": pa.array([b"text", b"\xff\xfe", None], pa.binary()),
        "fixed": pa.array([b"abcd", None, b"\x00\x01\x02\x03"], pa.binary(4)),
        "nan": pa.array([math.nan, 1.5, -math.inf]),
    })


def classes_table():
    names = {"info": {"features": {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
        "ner_tags": {"feature": {"names": ["O", "B-PER", "I-PER"],
                                 "_type": "ClassLabel"},
                     "_type": "Sequence"}}}}
    table = pa.table({"text": ["a b", "c", "d"],
                      "label": pa.array([1, 0, -1], pa.int64()),
                      "ner_tags": pa.array([[1, 2], [0], []],
                                           pa.list_(pa.int64()))})
    return table.replace_schema_metadata({"huggingface": json.dumps(names)})


def as_json(value, names=None):
    if isinstance(value, dict):
        return {k: as_json(v) for k, v in value.items()}
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):
            return {k: as_json(v) for k, v in value}
        return [as_json(v, names) for v in value]
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8") if value == b"text" else None
        except UnicodeDecodeError:
            return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if names is not None and isinstance(value, int):
        return None if value < 0 else names[value]
    if isinstance(value, (datetime.date, datetime.time, decimal.Decimal)):
        return str(value)
    return value


def main():
    rng = random.Random(SEED)
    folder = pathlib.Path(__file__).with_name("parquet")
    folder.mkdir(exist_ok=True)
    table = plain_table(rng, 90)
    rows = {}

    def write(name, table, names=None, **options):
        path = folder / (name + ".parquet")
        pq.write_table(table, path, **{"store_schema": False, **options})
        read = table.to_pylist()
        for row in read:
            for column in row:
                row[column] = (
                    {} if row[column] == [] and column == "pairs" else
                    as_json(row[column], (names or {}).get(column)))
        rows[name] = read

    no = {"use_dictionary": False}
    write("plain", table, compression="none", **no)
    write("snappy", table, compression="snappy")
    write("gzip", table, compression="gzip", data_page_version="1.0")
    write("zstd_v2", table, compression="zstd", data_page_version="2.0",
          data_page_size=256)
    write("delta", table, compression="zstd", data_page_version="2.0", **no,
          column_encoding={"text": "DELTA_BYTE_ARRAY",
                           "label": "DELTA_LENGTH_BYTE_ARRAY",
                           "number": "DELTA_BINARY_PACKED",
                           "small": "DELTA_BINARY_PACKED"})
    write("streams", table, compression="none", **no,
          column_encoding={"real": "BYTE_STREAM_SPLIT",
                           "single": "BYTE_STREAM_SPLIT",
                           "small": "BYTE_STREAM_SPLIT"})
    write("groups", table, row_group_size=17, data_page_size=64)
    write("nested", nested_table(rng, 120), data_page_size=200)
    write("types", types_table())
    write("classes", classes_table(),
          {"label": ["neg", "pos"], "ner_tags": ["O", "B-PER", "I-PER"]},
          store_schema=True)
    write("categories", pa.table({"text": pa.array(
        ["a", None, "b", "a"]).dictionary_encode()}))
    with open(folder / "rows.json", "w", encoding="ascii") as f:
        json.dump({"made_by": {"script": "tests/golden/make_golden_parquet.py",
                               "pyarrow": pa.__version__, "seed": SEED},
                   "rows": rows}, f, separators=(",", ":"))
    print(sum(p.stat().st_size for p in folder.iterdir()), sorted(rows))


if __name__ == "__main__":
    main()
