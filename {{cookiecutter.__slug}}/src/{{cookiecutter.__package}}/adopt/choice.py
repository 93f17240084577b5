"""What adopt decided, why, and which setting changes it."""

from dataclasses import dataclass, field

from ..settings import Task


@dataclass(frozen=True)
class Choice:
    """One decision in words."""

    what: str
    why: str
    setting: str


@dataclass(frozen=True)
class Wishes:
    """What the user said on the command line; None or empty where adopt shall find out."""

    target: str
    key: str | None = None
    time: str | None = None
    group: str | None = None
    sensitive: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    task: Task | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that was named."""
        single = (self.target, self.key, self.time, self.group)
        return (*filter(None, single), *self.sensitive, *self.drop)


@dataclass
class Notes:
    """Choices, in the order in which they were made."""

    choices: list[Choice] = field(default_factory=list)

    def say(self, what: str, why: str, setting: str) -> None:
        """Keep one."""
        self.choices.append(Choice(what, why, setting))
