"""Words beside the reference: frequencies of categories, forms and lengths of free text."""

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .compare import ERRORS, FEWEST, Difference, distance, many, proven, standard_error
from .reference import ColumnReference
from .summarize import ATOM, form_shares, shares
from .words import grown, same_but, shapes

if TYPE_CHECKING:
    from ..contract import Rule

MOVED = 0.06
MEANT = " but for "


def compare_levels(values: pl.Series, known: ColumnReference, rows: int) -> Iterator[Difference]:
    """Categories beside their frequencies, and unseen ones beside what they may have meant."""
    words = values.drop_nulls().cast(pl.String)
    if len(words) < FEWEST or not known.levels:
        return
    if known.distinct > 1 and words.n_unique() == 1 and max(known.levels.values()) < 0.95:
        yield "constant", f"only {words[0]!r}, where the reference has {known.distinct} values"
        return
    now = shares(words, len(words), 0.0)
    rest = known.unseen
    unseen = {word: share for word, share in now.items() if word not in known.levels}
    yield from _other_writing(unseen, known)
    allowed = rest + 5 * sqrt((rest + 1 / known.rows) * (1 / known.rows + 1 / rows)) + 0.01
    if sum(unseen.values()) > allowed:
        some = ", ".join(repr(word)[:40] for word in list(unseen)[:3])
        yield "values", f"{sum(unseen.values()):.1%} are values that the reference has not: {some}"
    yield from _frequencies(now, known, rows)


def _other_writing(unseen: dict[str, float], known: ColumnReference) -> Iterator[Difference]:
    for word in list(unseen)[:20]:
        same = same_but(word, known.levels)
        if same:
            yield "values", f"{word!r} is {same[0]!r}{MEANT}{same[1]}"
            return


def _frequencies(now: dict[str, float], known: ColumnReference, rows: int) -> Iterator[Difference]:
    levels = known.levels
    moved = {word: now.get(word, 0.0) - share for word, share in levels.items()}
    errors = {w: standard_error(levels[w], now.get(w, 0.0), known.rows, rows) for w in levels}
    apart = sum(abs(change) for change in moved.values()) / 2
    chance = 0.4 * sum(errors.values())
    most = max(moved, key=lambda word: abs(moved[word]) / max(errors[word], 1e-9))
    gone = [w for w, s in levels.items() if w not in now and s > 0.005 and (1 - s) ** rows < 1e-8]
    detail = f"{most!r} {levels[most]:.1%} → {now.get(most, 0.0):.1%}"
    if apart > max(MOVED, 3 * chance + 0.02, ERRORS * max(errors.values())):
        yield "distribution", f"distance {apart:.2f} from the reference (total variation; {detail})"
    elif gone:
        yield "distribution", f"{gone[0]!r} no longer occurs, before {levels[gone[0]]:.1%}"
    elif abs(moved[most]) > 0.03 and abs(moved[most]) > (ERRORS + 1) * errors[most]:
        yield "distribution", f"another share: {detail}"


def compare_words(values: pl.Series, known: ColumnReference, rows: int) -> Iterator[Difference]:
    """Free text and identifiers beside their lengths, forms, shapes and most frequent values."""
    words = values.drop_nulls().cast(pl.String)
    if len(words) < FEWEST or not known.quantiles:
        return
    if known.distinct > 1 and words.n_unique() == 1:
        yield "constant", f"only one value, where the reference has {known.distinct}"
    for form, share in form_shares(words).items():
        before = known.forms.get(form, 0.0)
        changed = share - before
        if changed > 0.008 and changed > ERRORS * standard_error(before, share, known.rows, rows):
            rule: Rule = "personal" if "mail" in form else "shape"
            yield rule, f"{share:.1%} {form}, before {before:.1%}"
    now = shares(shapes(words), 1000, 0.0)
    new = sum(part for shape, part in now.items() if not _usual(shape, known))
    before = 1 - sum(known.shapes.values())
    if before < 0.2 and new - before > max(
        0.01, ERRORS * standard_error(before, new, known.rows, rows)
    ):
        yield "shape", f"{new:.1%} have a shape that the reference has not"
    lengths = words.str.len_chars().to_numpy().astype(np.float64)
    apart = distance(lengths, known)
    if proven(apart, rows, known.rows):
        yield "distribution", f"other lengths (KS {apart:.2f})"
    yield from _new_words(words, known, rows)


def _usual(shape: str, known: ColumnReference) -> bool:
    return shape in known.shapes or grown(shape, known.shapes)


def _new_words(words: pl.Series, known: ColumnReference, rows: int) -> Iterator[Difference]:
    for word, share in shares(words, 5, 0.01).items():
        before = known.levels.get(word, ATOM)
        error = standard_error(before, share, known.rows, rows)
        if share - before > max(0.01, before, ERRORS * error) and many(share, before, rows):
            yield (
                "distribution",
                f"{share:.1%} are exactly {word[:30]!r}, before {before:.1%} at most",
            )
