"""`ml validate`: the project's rows, or a batch that just came, beside what is known."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .checks.findings import Finding
from .checks.reference import Reference
from .load import load_rows, source_of
from .parts import measure_parts
from .project import Project, find_reference
from .sources import read_file
from .steps.validate import Validation, validate
from .store.backend import has_store
from .store.tracking import Registry


@dataclass(frozen=True)
class Batch:
    """A validated batch and the reference beside which it was looked at."""

    validation: Validation
    reference: Reference | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings."""
        return self.validation.findings

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Findings that would stop a training."""
        return self.validation.failures


def validate_batch(project: Project, file: Path | None, today: date) -> Batch:
    """Check the project's own rows, or those of a file; without the target they are unlabelled."""
    registry = Registry(project.root, project.settings.name) if has_store(project.root) else None
    reference = find_reference(project, registry)
    if file is None:
        raw, own, source = load_rows(project, today), True, source_of(project)
    else:
        raw, source = read_file(str(file)), str(file)
        own = (project.root / project.settings.data.source).resolve() == file.resolve()
    labelled = own or project.contract.target in raw.collect_schema()
    seen = measure_parts(project, raw, source, today, own=file is None)
    beside = {"reference": reference, "seen": seen}
    found = validate(raw, project.contract, today, labelled=labelled, fresh=not own, **beside)
    return Batch(found, reference)
