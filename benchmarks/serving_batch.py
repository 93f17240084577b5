"""Predictions of a large file: ours, the bare model, and pandas in pieces with scikit-learn.

    python serving_batch.py WHO FOLDER ROWS     # one JSON line: rows, seconds, peak megabytes

One process for each, so that its peak is its own.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from serving_model import INPUTS, TODAY, draw, load_template, open_project

PIECE = 100_000
SEED = 3
Count = Callable[[Path], tuple[int, float]]  # rows and seconds


def write_rows(path: Path, rows: int) -> None:
    """Unlabelled rows as one Parquet file, drawn in pieces."""
    import pyarrow.parquet as pq

    writer = None
    for number, (start, end) in enumerate(pairwise([*range(0, rows, PIECE * 5), rows])):
        piece = draw(end - start, SEED + number).select(INPUTS).to_arrow()
        writer = writer or pq.ParquetWriter(path, piece.schema)
        writer.write_table(piece, row_group_size=PIECE)
    if writer:
        writer.close()


def ours(folder: Path) -> tuple[int, float]:
    """`ml predict`, after the champion is loaded: check, score, write."""
    project = open_project(folder)
    from project.predict import predict_file
    from project.store.model import load

    model = load(folder / "bundle")
    start = time.perf_counter()
    rows = predict_file(project, model, folder / "rows.parquet", folder / "ours.parquet", TODAY)
    return rows, time.perf_counter() - start


def floor(folder: Path) -> tuple[int, float]:
    """The bundle's model on rows that are encoded already: as many pieces at once as processors."""
    load_template()
    from project.store.encode import encode_rows
    from project.store.model import load

    model, rows, spent, many = load(folder / "bundle"), 0, 0.0, os.cpu_count() or 1
    with ThreadPoolExecutor(many) as pool:
        pieces: list[Any] = []
        table = pl.scan_parquet(folder / "rows.parquet")
        count = table.select(pl.len()).collect().item()
        for start in range(0, count, PIECE * many):
            part = table.slice(start, PIECE * many).collect()
            pieces = [encode_rows(one, model.signature.inputs) for one in part.iter_slices(PIECE)]
            rows += part.height
            began = time.perf_counter()
            list(pool.map(model.predict, pieces))
            spent += time.perf_counter() - began
    return rows, spent


def peer(folder: Path) -> tuple[int, float]:
    """As most scripts do it: pandas in pieces, `predict_proba`, and the answers beside the rows."""
    import cloudpickle
    import pyarrow as pa
    import pyarrow.parquet as pq

    model = cloudpickle.loads((folder / "model.pkl").read_bytes())
    rows, writer, start = 0, None, time.perf_counter()
    for piece in pq.ParquetFile(folder / "rows.parquet").iter_batches(batch_size=PIECE):
        frame = piece.to_pandas()
        answers = model.predict_proba(frame[list(INPUTS)])
        frame["prediction"] = ["yes" if share >= 0.5 else "no" for share in answers[:, 1]]
        frame["probability_no"], frame["probability_yes"] = answers.T
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(folder / "peer.parquet", table.schema)
        writer.write_table(table)
        rows += len(frame)
    if writer:
        writer.close()
    return rows, time.perf_counter() - start


def peak() -> float:
    """Megabytes that this process had at most; `ru_maxrss` would count its parent's."""
    told = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+)", told)[1]) * 1024 / 1e6


WAYS: dict[str, Count] = {"ours": ours, "floor": floor, "peer": peer}


def same(folder: Path) -> bool:
    """Whether ours and the peer wrote the same."""
    names = ["prediction", "probability_no", "probability_yes"]
    both = [pl.scan_parquet(folder / f"{who}.parquet").select(names) for who in ("ours", "peer")]
    apart = (both[0].select(names[2]).collect() - both[1].select(names[2]).collect()).to_series()
    return bool((apart.abs() < 1e-5).all())


def main(who: str, folder: Path) -> None:
    """Do it, and say what it took."""
    rows, seconds = WAYS[who](folder)
    told = {"rows": rows, "seconds": seconds, "peak": peak()}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
