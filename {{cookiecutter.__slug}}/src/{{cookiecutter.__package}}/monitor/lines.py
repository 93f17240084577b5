"""Files of the prediction log as tables, in the contract's types."""

import polars as pl

from ..contract import Contract
from ..steps.validate import typed_rows

AT, ID, ROW, VERSION, ANSWER = (f"ml.{n}" for n in ("at", "id", "row", "version", "answer"))
KNOWN = "ml.known"


def asked(table: pl.DataFrame, contract: Contract) -> list[pl.DataFrame]:
    """A file of the log as rows, a table for each set of inputs; unknown ones are left out.

    `contract` is of rows as they are sent.
    """
    names = {name: f"in {name}" for name in table.select(pl.col("inputs").struct.unnest()).columns}
    inputs = pl.col("inputs").struct.rename_fields([*names.values()])
    parts = _exploded(table.with_columns(inputs).unnest("inputs"))
    return [_read(rows, names, contract) for rows in parts]


def as_sent(contract: Contract) -> Contract:
    """A contract of rows that the service took: JSON's words for dates and numbers, no others."""
    plain = {"format": None, "missing": []}
    columns = {name: one.model_copy(update=plain) for name, one in contract.columns.items()}
    return contract.model_copy(update={"columns": columns})


def _read(rows: pl.DataFrame, names: dict[str, str], contract: Contract) -> pl.DataFrame:
    """What the service wrote, in the contract's types."""
    told = rows.select(
        _moment("at").alias(AT),
        pl.col("id").cast(pl.String).alias(ID),
        pl.col("row").cast(pl.Int64).alias(ROW),
        pl.col("version").cast(pl.String).alias(VERSION),
        _as_list(rows.schema["answer"]).alias(ANSWER),
    )
    there = {name: kept for name, kept in names.items() if kept in rows.columns}
    values = rows.select(pl.col(kept).alias(name) for name, kept in there.items())
    return pl.concat([typed_rows(values.lazy(), contract).collect(), told], how="horizontal")


def _exploded(lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Lines of columns as rows; versions that know other columns write other lines."""
    known = pl.concat_str(pl.all().is_null().cast(pl.String)).alias(KNOWN)
    parts = lines.with_columns(known).partition_by(KNOWN, include_key=False)
    whole = [part[[c.name for c in part if c.null_count() == 0]] for part in parts]
    return [part.explode(part.columns) for part in whole]


def _as_list(kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.List):
        return pl.col("answer").cast(pl.List(pl.Float64))
    return pl.concat_list(pl.col("answer").cast(pl.Float64))


def _moment(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime(time_zone="UTC", time_unit="us", strict=False)


def labelled(table: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """A file of labels: which row of which request, and what was true of it."""
    named = table.select(pl.col("label").alias(contract.target))
    typed = typed_rows(named.lazy(), contract).collect()
    told = table.select(
        _moment("at").alias("at"),
        pl.col("id").cast(pl.String).alias(ID),
        pl.col("row").cast(pl.Int64).alias(ROW),
    )
    return pl.concat([told, typed], how="horizontal")
