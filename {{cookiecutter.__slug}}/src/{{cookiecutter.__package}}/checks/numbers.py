"""Single numbers out of Polars series, whose own answers may be of any type."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


def share(mask: pl.Series) -> float:
    """How large a share of these booleans is true; missing ones are not."""
    return float(mask.fill_null(value=False).to_numpy().mean()) if len(mask) else 0.0


def number(value: Any) -> float:
    """A minimum, maximum or quantile as a float; NaN where there was no value."""
    return float("nan") if value is None else float(value)


def as_numbers(values: pl.Series) -> NDArray[np.float64]:
    """Numbers as they are, dates in days and moments in seconds since 1970; shape (n,)."""
    if values.dtype == pl.Date:
        return values.cast(pl.Int32).cast(pl.Float64).to_numpy()
    if isinstance(values.dtype, pl.Datetime):
        return (values.dt.epoch("us").cast(pl.Float64) / 1e6).to_numpy()
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
