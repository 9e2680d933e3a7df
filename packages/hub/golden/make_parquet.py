"""Makes codec.*.parquet: the same 40 rows in each codec that pyarrow writes, in two row groups.

Run in this folder: pip install pyarrow==25.0.1; python make_parquet.py
"""
import pyarrow
import pyarrow.parquet

table = pyarrow.table({
    "question": [f"What is {i} + {i}?" for i in range(40)],
    "answer": [f"{2 * i}" + " and so on" * (i % 5) for i in range(40)],
    "tags": [["a", "b"][: i % 3] for i in range(40)],
    "n": [i if i % 4 else None for i in range(40)],
})
for codec in ("none", "snappy", "gzip", "zstd", "brotli", "lz4"):
    pyarrow.parquet.write_table(table, f"codec.{codec}.parquet", compression=codec, row_group_size=25)
pyarrow.parquet.write_table(
    table, "codec.zstd-v2.parquet", compression="zstd", row_group_size=25, data_page_version="2.0")

# A column of nulls alone, whose pages hold nothing, and lists and structs that are null.
nulls = pyarrow.table({
    "text": [f"row {i}" for i in range(12)],
    "none": pyarrow.array([None] * 12, pyarrow.string()),
    "tags": [["x"] * (i % 3) if i % 3 else None for i in range(12)],
    "pair": pyarrow.array(
        [{"a": i} if i % 4 else None for i in range(12)], pyarrow.struct([("a", pyarrow.int64())])),
})
pyarrow.parquet.write_table(nulls, "nulls.lz4.parquet", compression="lz4")
