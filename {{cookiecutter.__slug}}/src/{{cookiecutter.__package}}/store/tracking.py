"""The only door to MLflow: runs, registered versions, and the aliases champion, anchor, previous.

Without MLFLOW_TRACKING_URI everything is in mlflow.db and mlartifacts/ beside settings.toml.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Status, Stop
from . import oci, runs
from .backend import address, open_client
from .cache import cached
from .moves import find
from .versions import Aliases, Past, Record, Version, read_version, version_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient

MOVE = "ml.move"
RUNNING = "attributes.status = 'RUNNING'"


class Registry:
    """Versions of one model on one MLflow store."""

    def __init__(self, root: Path, name: str) -> None:
        """Name the store; nothing is opened before it is used."""
        self.root, self.name = root, name
        self.uri = address(root)
        self.local = self.uri.startswith("sqlite:")

    @cached_property
    def _client(self) -> "MlflowClient":
        return open_client(self.root, self.uri)

    @contextmanager
    def door(self) -> Generator["MlflowClient"]:
        """The client; what goes wrong behind the door comes out as one line."""
        from mlflow.exceptions import MlflowException

        try:
            yield self._client
        except (MlflowException, OSError) as error:
            line = str(error).splitlines()[0][:300]
            hint = "" if self.local else " Is the server up, and MLFLOW_TRACKING_URI right?"
            told = f"MLflow at {self.uri} did not do it: {line}{hint}"
            raise Stop(Status.SETTINGS, told) from error

    def champion(self) -> Version | None:
        """The version in charge, if there is one."""
        number = self.aliases().champion
        return self.version(number) if number else None

    def versions(self) -> list[Version]:
        """All registered versions, oldest first."""
        with self.door() as client:
            found = client.search_model_versions(f"name='{self.name}'", max_results=1000)
        ours = [read_version(one) for one in found if "judgement" in one.tags]
        return sorted(ours, key=lambda version: version.number)

    def version(self, number: int) -> Version:
        """One version by its number."""
        return find(self.versions(), number)

    def aliases(self) -> Aliases:
        """Who is what: by the intent of an unfinished move, else by the aliases."""
        with self.door() as client:
            found = client.search_registered_models(f"name='{self.name}'")
        if not found:
            return Aliases()
        if MOVE in found[0].tags:
            return Aliases(**json.loads(found[0].tags[MOVE]))
        ours = {field.name for field in fields(Aliases)}
        named = {a: int(number) for a, number in found[0].aliases.items() if a in ours}
        return Aliases(**named)

    def move(self, target: Aliases) -> None:
        """Set all aliases as one: the intent is a single atomic write, and the last thing to go.

        A crash in between leaves the intent, which `aliases` obeys and the next writer completes.
        """
        with self.door() as client:
            client.set_registered_model_tag(self.name, MOVE, json.dumps(asdict(target)))
            for alias, number in asdict(target).items():
                if number is not None:
                    client.set_registered_model_alias(self.name, alias, str(number))
            client.delete_registered_model_tag(self.name, MOVE)

    def recover(self) -> Aliases:
        """Mend what a crash left: a half-made move, open runs. Call it under the lock, first."""
        with self.door() as client:
            experiment = client.get_experiment_by_name(self.name)
            if self.local and experiment:  # under the lock, a run that still runs was killed
                for run in client.search_runs([experiment.experiment_id], RUNNING):
                    client.set_terminated(run.info.run_id, "KILLED")
            found = client.search_registered_models(f"name='{self.name}'")
        aliases = self.aliases()
        if found and MOVE in found[0].tags:
            self.move(aliases)
        return aliases

    def history(self) -> list[Past]:
        """Every decision that was made, oldest first."""
        with self.door() as client:
            experiment = client.get_experiment_by_name(self.name)
            return runs.history(client, experiment.experiment_id) if experiment else []

    def judge(self, version: Version, record: Record, folder: Path) -> None:
        """Put a newer verdict on a version, its report beside the older ones."""
        with self.door() as client:
            run = runs.start(client, self.experiment(client), record, version.digest)
            client.log_artifacts(run.info.run_id, str(folder), "gate")
            client.set_terminated(run.info.run_id)
            text = json.dumps(asdict(record.judgement))
            client.set_model_version_tag(self.name, str(version.number), "judgement", text)

    def mark(self, version: Version) -> None:
        """Remember what may change of a version: its verdict, its image, and whether it is back."""
        tags = version_tags(version)
        with self.door() as client:
            for key in ("judgement", "rolled_back", "image"):
                client.set_model_version_tag(self.name, str(version.number), key, tags[key])

    def noted(self, key: str) -> str:
        """A note on the model as a whole; empty where there is none."""
        with self.door() as client:
            found = client.search_registered_models(f"name='{self.name}'")
        return found[0].tags.get(key, "") if found else ""

    def note(self, key: str, text: str) -> None:
        """Replace a note, in one write."""
        with self.door() as client:
            client.set_registered_model_tag(self.name, key, text)

    def take(self, versions: Sequence[Version], decisions: Sequence[Past]) -> None:
        """Take in what is new of another store; bundles are fetched when they are asked for."""
        here = {version.digest for version in self.versions()}
        known = {one.run_id for one in self.history()}
        with self.door() as client:
            runs.take_decisions(client, self.experiment(client), decisions, known)
            for version in versions:
                if version.digest not in here:
                    self.create(client, version.source, version_tags(version))

    def fetch(self, version: Version) -> Path:
        """The version's bundle as a folder on this machine, its digest checked."""
        return cached(self.root, version.digest, partial(self._download, version.source))

    def _download(self, source: str, folder: Path) -> None:
        if source.startswith(oci.SCHEME):
            oci.fetch(source, folder)
            return
        with self.door():
            from mlflow.artifacts import download_artifacts

            download_artifacts(source, dst_path=str(folder), tracking_uri=self.uri)

    def record(
        self, folder: Path, record: Record, facts: Mapping[str, str], *, keep: bool
    ) -> Version | None:
        """Log a run with its bundle and, when `keep`, register it as a new version.

        The version appears last and whole, so a crash before it leaves an unfinished run alone.
        """
        with self.door() as client:
            about = facts["digest"] if keep else ""
            run = runs.start(client, self.experiment(client), record, about)
            client.log_artifacts(run.info.run_id, str(folder), "bundle")
            version = self._register(client, run, record, facts) if keep else None
            client.set_terminated(run.info.run_id)
        return version

    def record_search(self, attempts: runs.Attempts) -> None:
        """A run for a search of parameters, and inside it one for each attempt."""
        with self.door() as client:
            runs.record_search(client, self.experiment(client), attempts)

    def _register(
        self, client: "MlflowClient", run: Any, record: Record, facts: Mapping[str, str]
    ) -> Version:
        tags = {**facts, "judgement": json.dumps(asdict(record.judgement))}
        return self.create(client, f"{run.info.artifact_uri}/bundle", tags, run.info.run_id)

    def create(
        self, client: "MlflowClient", source: str, tags: dict[str, str], run: str | None = None
    ) -> Version:
        """Register a bundle that is stored already."""
        if not client.search_registered_models(f"name='{self.name}'"):
            client.create_registered_model(self.name)
        return read_version(client.create_model_version(self.name, source, run, tags=tags))

    def experiment(self, client: "MlflowClient") -> str:
        """The id of the project's experiment; it is made where there is none."""
        place = (self.root / "mlartifacts").as_uri() if self.local else None
        return runs.experiment(client, self.name, place)
