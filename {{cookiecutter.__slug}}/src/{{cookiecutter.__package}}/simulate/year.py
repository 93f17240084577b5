"""One world, week by week: the loop with its real steps, and three policies beside it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import polars as pl

from ..checks.summarize import summarize
from ..decision import Decision
from ..errors import Stop
from ..evidence import Evidence
from ..fitting import fit
from ..metrics.scored import Scored
from ..metrics.scores import score
from ..monitor.compare import compare
from ..monitor.confidence import learn
from ..monitor.seen import Champion, Watch
from ..monitor.verdict import verdict
from ..probes.holdout import newest_answers
from ..project import Project
from ..scoring import answers_of, build_table, predict, watched_score
from ..steps.evaluate import evaluate
from ..steps.gate import decide
from ..steps.split import Split, split
from ..steps.validate import Validation, typed_rows, validate
from ..store.model import Model
from ..store.moves import forward
from ..store.versions import Aliases, Judgement, Version
from .memory import Week, in_memory, reader_of
from .sources import WEEK, Source

Policy = Literal["loop", "never", "always", "naive"]
POLICIES: tuple[Policy, ...] = ("loop", "never", "always", "naive")
BROKEN, NOTHING = "DATA", "-"


@dataclass
class Year:
    """The state of all policies; the loop's is what a registry would hold."""

    project: Project
    every: int = 1
    aliases: Aliases = field(default_factory=Aliases)
    versions: list[Version] = field(default_factory=list)
    kept: dict[int, Champion] = field(default_factory=dict)
    trials: list[date] = field(default_factory=list)
    rivals: dict[Policy, Model] = field(default_factory=dict)
    _last: tuple[date, tuple[Model, Split] | None] | None = None

    def live(self, source: Source, weeks: int, tick: Callable[[], None]) -> list[Week]:
        """All weeks in their order."""
        lived = []
        for number in range(weeks):
            day = source.first + number * WEEK
            raw = source.until(day, number)
            watched, told = self._watch(raw, day)
            scheduled = number % self.every == 0 or self.aliases.champion is None
            due = watched.due if watched else False
            named, why = self._train(raw, day) if scheduled or due else (NOTHING, "")
            if scheduled:
                self._rivals(raw, day)
            lived.append(Week(number, day, named, why, due, told, source.truth(self.models(), day)))
            tick()
        return lived

    def models(self) -> dict[str, Model]:
        """Who is in force, by policy."""
        own = self.aliases.champion
        return ({"loop": self.kept[own].model} if own else {}) | dict(self.rivals)

    def _watch(self, raw: pl.LazyFrame, day: date) -> tuple[Watch | None, str]:
        """What `ml monitor` says; nothing of a batch that breaks the contract."""
        champion = self.aliases.champion
        if champion is None:
            return None, ""
        known = self.kept[champion]
        checked = validate(raw, self.project.contract, day, labelled=False)
        if checked.failures:
            return None, "the contract is broken"
        rows = known.newer(checked.rows.collect(), self.project.contract.time_column)
        seen = compare(self.project, known, rows, (), None, day)
        found = verdict(self.project, seen, {}, [(day - one).days for one in self.trials])
        return found, found.reason

    def _train(self, raw: pl.LazyFrame, day: date) -> tuple[str, str]:
        """What `ml train` and `ml promote` do, in memory; the verdict and its reason."""
        project, known = self.project, self.aliases.champion
        reference = self.kept[known].reference if known else project.reference
        checks = validate(raw, project.contract, day, reference=reference)
        if checks.failures:
            first = checks.failures[0]
            return BROKEN, f"{first.column}: {first.rule}: {first.message}"
        made = self._fitted(raw, day)
        if made is None:
            return BROKEN, "no model can be fitted on these rows"
        challenger, parts = made
        scored, evidence = self._trial(parts, challenger)
        decision = decide(evidence, project.settings.gate)
        self.trials.append(day)
        self._register(challenger, parts, scored, decision, checks, day)
        return str(decision.verdict), decision.reason

    def _trial(self, parts: Split, challenger: Model) -> tuple[Scored, Evidence]:
        read = reader_of(parts.holdout)
        named = {"champion": self.aliases.champion, "anchor": self.aliases.anchor}
        rivals = {
            name: predict(self.kept[number].model, parts.holdout, challenger, read)
            for name, number in named.items()
            if number
        }
        scored = build_table(self.project, parts, challenger, rivals, read)
        return scored, evaluate(scored, self.project.settings.gate)

    def _register(
        self,
        challenger: Model,
        parts: Split,
        scored: Scored,
        decision: Decision,
        checks: Validation,
        day: date,
    ) -> None:
        """Keep what passed, and promote it by the registry's own rule; else the champion stood."""
        known = self.aliases.champion
        if decision.verdict != "PROMOTE":
            if known and "champion" in scored.predictions:
                stood = watched_score(self.project, scored, "champion")
                facts = {**self.kept[known].facts, **stood}
                self.kept[known] = replace(self.kept[known], facts=facts)
            return
        number, clock = len(self.versions) + 1, self.project.contract.time_column
        own = scored.predictions["challenger"]
        until = newest_answers(parts.holdout, clock) if clock else ""
        facts = {**watched_score(self.project, scored, "challenger"), "until": until}
        champion = self.kept[known].digest if known else None
        judged = Judgement("PROMOTE", champion, decision.beats_anchor, decision.challenger)
        digest = challenger.digest
        version = Version(number, digest, digest, "", judged, "", "", rolled_back=False)
        self.versions.append(version)
        reference = summarize(checks.seen, self.project.contract)
        told = (facts, day, reference, learn(scored.answers, own))
        self.kept[number] = Champion(number, digest, challenger, *told)
        _, self.aliases = forward(self.versions, self.aliases, number)

    def _rivals(self, raw: pl.LazyFrame, day: date) -> None:
        """The same rows in the hands of those who do not look at them, or compare two numbers."""
        made = self._fitted(raw, day)
        if made is None:
            return
        model, parts = made
        self.rivals.setdefault("never", model)
        self.rivals["always"] = model
        old = self.rivals.get("naive")
        if old is None or self._score(model, model, parts) > self._score(old, model, parts):
            self.rivals["naive"] = model

    def _score(self, model: Model, newest: Model, parts: Split) -> float:
        answers, metric = (
            answers_of(self.project, newest, parts.holdout),
            self.project.settings.watched,
        )
        said = predict(model, parts.holdout, newest, reader_of(parts.holdout))
        return score(answers, said, metric, newest.signature.threshold).value

    def _fitted(self, raw: pl.LazyFrame, day: date) -> tuple[Model, Split] | None:
        """A model of these rows, whatever they are, fitted once for all; None where none can be."""
        if self._last and self._last[0] == day:
            return self._last[1]
        project, made = self.project, None
        rows = typed_rows(raw, project.contract)
        rows = rows.filter(pl.col(project.contract.target).is_not_null()).collect()
        with suppress(Stop, ValueError):
            horizon = project.settings.gate.horizon or 1
            parts = split(rows, project.contract, project.settings.split.holdout, horizon)
            made = in_memory(project, fit(project, parts), day), parts
        self._last = day, made
        return made
