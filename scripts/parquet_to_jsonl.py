#!/usr/bin/env python3
"""Rows of a Parquet file as JSON lines: parquet_to_jsonl.py FILE > OUT.jsonl

Needs pyarrow (pip install pyarrow). Reads a row group at a time.
"""

import json
import sys

import pyarrow.parquet


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with pyarrow.parquet.ParquetFile(sys.argv[1]) as file:
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                print(json.dumps(row, ensure_ascii=False, default=str))


if __name__ == "__main__":
    main()
