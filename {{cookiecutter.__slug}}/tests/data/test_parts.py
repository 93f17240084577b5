"""Parts of a table, looked at one by one, give the verdict of the whole."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from your_package.checks import measure, sketch
from your_package.checks.sketch import Keys, Sketch
from your_package.checks.summarize import build_reference
from your_package.contract import Contract
from your_package.steps.validate import (
    validate,
    validate_parts,
)

TODAY = date(2026, 6, 1)
CONTRACT = Contract.model_validate(
    {
        "columns": {
            "id": {"type": "text", "role": "key", "unique": True},
            "day": {"type": "date", "role": "time"},
            "size": {"type": "number", "role": "number", "range": [0, 60], "nulls": 0.05},
            "kind": {"type": "text", "role": "category", "values": ["a", "b"], "unseen_max": 0.02},
            "code": {"type": "text", "role": "id", "shape": "[a-z][0-9]"},
            "who": {"type": "text", "personal": True, "unique": True, "nulls": 1.0},
            "y": {"type": "integer", "role": "target", "values": [0, 1]},
        },
        "rows": {"min": 100},
        "time": {"max_age_days": 3},
    },
    strict=False,
)


def table(seed, rows, wrong=0.0):
    """Text as of a CSV; a share of the values is wrong, and of the rows a copy."""
    random = np.random.default_rng(seed)
    size = np.round(random.normal(30, 5, rows), 1)
    made = pl.DataFrame(
        {
            "id": [f"r{n:05d}" for n in random.permutation(rows)],
            "day": [str(TODAY - timedelta(days=int(n))) for n in random.integers(0, 60, rows)],
            "size": [str(n) for n in size],
            "kind": random.choice(["a", "b"], rows).tolist(),
            "code": [f"x{n}" for n in random.integers(0, 10, rows)],
            "who": [f"p{n}" for n in range(rows)],
            "y": [str(int(n)) for n in size + random.normal(0, 3, rows) > 30],
        }
    )
    for name, bad in (("size", "?"), ("size", "99"), ("kind", "c"), ("code", "xx"), ("day", None)):
        odd = pl.Series(random.random(rows) < wrong)
        made = made.with_columns(pl.when(odd).then(pl.lit(bad)).otherwise(name).alias(name))
    copied = made.filter(pl.Series(random.random(rows) < wrong))
    return pl.concat([made, copied])


REFERENCE = build_reference(table(999, 3_000).lazy(), CONTRACT)


def cut(rows, places):
    """The table in parts that end at these places; some may be empty."""
    ends = sorted(place % (len(rows) + 1) for place in places)
    return [rows[a:b] for a, b in zip([0, *ends], [*ends, len(rows)], strict=True)]


def without_values(found):
    """Findings whose examples say the rows alone: a part that is gone has no values to show."""
    return [
        (one.column, one.rule, one.severity, one.message, [e.split(":")[0] for e in one.examples])
        for one in found
    ]


tables = st.builds(
    table,
    st.integers(0, 10_000),
    st.integers(1, 400) | st.integers(2_000, 3_000),
    st.sampled_from([0.0, 0.01, 0.2]),
)
places = st.lists(st.integers(0, 10_000), max_size=6)


@pytest.mark.parametrize("reference", [None, REFERENCE], ids=["alone", "beside a reference"])
@given(rows=tables, places=places, fresh=st.booleans(), labelled=st.booleans())
def test_parts_give_the_findings_of_the_whole(reference, rows, places, fresh, labelled):
    how = {"reference": reference, "fresh": fresh, "labelled": labelled}
    whole = validate(rows.lazy(), CONTRACT, TODAY, **how).findings
    parts = [part.lazy() for part in cut(rows, places)]
    found = validate_parts(parts, CONTRACT, TODAY, **how)
    assert without_values(found) == without_values(whole)


def test_the_tables_of_these_tests_are_broken_in_many_ways():
    found = validate(table(1, 2_500, 0.2).lazy(), CONTRACT, TODAY, reference=REFERENCE).findings
    wanted = {"type", "nulls", "range", "values", "shape", "unique", "duplicates", "distribution"}
    assert {one.rule for one in found} >= wanted
    assert validate(table(1, 2_500).lazy(), CONTRACT, TODAY, reference=REFERENCE).findings == ()


@pytest.mark.parametrize("wrong", [0.0, 0.01, 0.2])
def test_the_length_of_a_piece_changes_no_finding(wrong):
    rows = table(5, 12_000, wrong).lazy()
    whole = validate(rows, CONTRACT, TODAY, reference=REFERENCE).findings
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "PIECE_CELLS", 1)
        pieces = validate(rows, CONTRACT, TODAY, reference=REFERENCE).findings
    assert pieces == whole
    assert bool(whole) is bool(wrong)


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(0, 20) | st.integers(3_000, 6_000),
    distinct=st.sampled_from([10, 1_000, 100_000]),
    places=places,
    order=st.randoms(use_true_random=False),
)
def test_samples_merged_in_any_order_are_the_sample_of_the_whole(
    seed, rows, distinct, places, order
):
    table = pl.DataFrame({"n": np.random.default_rng(seed).integers(0, distinct, rows)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketch, "SAMPLED_ROWS", 2_000)
        whole = Sketch.of(table)
        parts = [Sketch.of(part) for part in cut(table, places)]
    order.shuffle(parts)
    merged = sum(parts[1:], parts[0])
    assert merged.rows.equals(whole.rows)
    assert merged.table().equals(whole.table())
    assert len(merged.rows) == min(2_000, table.n_unique() if rows else 0)


def test_a_sample_holds_copies_as_often_as_they_occur():
    table = pl.DataFrame({"n": [*range(10), *[3] * 5]})
    found = Sketch.of(table)
    assert found.complete
    assert sorted(found.table()["n"]) == sorted(table["n"])
    assert found.copied == pytest.approx(5 / 15)


@pytest.mark.parametrize("held", [10, 2_000_000])
@settings(max_examples=20)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(0, 200),
    distinct=st.sampled_from([5, 40, 5_000]),
    places=places,
    other=st.integers(0, 200),
)
def test_keys_on_disk_find_the_same_duplicates(held, seed, rows, distinct, places, other):
    drawn = np.random.default_rng(seed).integers(0, distinct, rows)
    values = [None if n == 0 else int(n) for n in drawn]
    table = pl.DataFrame({"n": values}, schema={"n": pl.Int64})
    first, second, offset = Keys(), Keys(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketch, "HELD", held)
        for part in cut(table, places):
            (first if offset < other else second).add(part["n"], offset)
            offset += len(part)
        first.merge(second)
        found, again = first.duplicated(3), first.duplicated(3)
    wanted = [row for row, n in enumerate(values) if n is not None and values.count(n) > 1]
    assert found == again == (len(wanted), wanted[:3])
    assert (first.folder is not None) is (first.rows > held)
