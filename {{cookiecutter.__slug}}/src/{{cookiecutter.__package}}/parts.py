"""Tables in many files: what is asked of the whole is asked of each file, and added up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from .checks.measure import Measure, measure
from .engine.door import open_engine
from .engine.local import LOCAL
from .load import load_rows
from .project import Project
from .sources import files_of, read_file


@dataclass(frozen=True)
class Parts:
    """A table and the files that it lies in; `own` rows are the project's, of its window alone."""

    project: Project
    schema: Mapping[str, pl.DataType]
    today: date
    own: bool

    def read(self, file: str) -> pl.LazyFrame:
        """The rows of one file, in the columns of the whole."""
        table = load_rows(self.project, self.today, file) if self.own else read_file(file)
        if dict(table.collect_schema()) == self.schema:
            return table
        return pl.concat([pl.LazyFrame(schema=self.schema), table], how="diagonal_relaxed")


def measure_parts(
    project: Project, table: pl.LazyFrame, source: str, today: date, *, own: bool
) -> Measure:
    """What one pass over the whole table sees; file by file where an engine shares the work."""
    engine = open_engine(project.settings.engine)
    files = [source] if engine is LOCAL else files_of(source)
    if len(files) == 1:
        return measure(table, project.contract, today)
    parts = Parts(project, dict(table.collect_schema()), today, own)
    first, *later = engine.map(_measure, parts, files)
    for one in later:
        first.take(one)
    return first


def _measure(parts: Parts, file: str) -> Measure:
    return measure(parts.read(file), parts.project.contract, parts.today)
