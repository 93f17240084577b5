"""The champion moves to what the gate proved, or back; a crash in between loses nothing."""

import pytest

from your_package.errors import Status, Stop
from your_package.promote import promote, roll_back
from your_package.store.tracking import Aliases, Registry

ALIAS = "mlflow.MlflowClient.set_registered_model_alias"
END = "mlflow.MlflowClient.delete_registered_model_tag"


class Killed(BaseException):
    """What a process that is killed would never catch."""


def refused(named, function, *given):
    with pytest.raises(Stop, match=named) as stopped:
        function(*given)
    assert stopped.value.status == Status.REJECTED


def test_an_empty_registry_has_nobody(registry):
    assert registry.versions() == []
    assert registry.aliases() == Aliases()
    refused("run `ml train` first", promote, registry)
    refused("no champion yet", roll_back, registry)


def test_the_first_champion_is_the_anchor_too(registry, add_version):
    add_version(beats_anchor=True)
    version, changed = promote(registry)
    assert (version.number, changed) == (1, True)
    assert registry.aliases() == Aliases(champion=1, anchor=1)


def test_the_anchor_stays_until_it_is_beaten(registry, three):
    assert registry.aliases() == Aliases(champion=2, anchor=1, previous=1)
    assert promote(registry)[0] == three[2]
    assert registry.aliases() == Aliases(champion=3, anchor=3, previous=2)


def test_promoting_twice_changes_nothing(registry, three):
    promote(registry)
    before = registry.aliases()
    assert promote(registry) == (three[2], False)
    assert promote(registry, 3) == (three[2], False)
    assert registry.aliases() == before


@pytest.mark.parametrize("verdict", ["KEEP", "REJECT", "INVALID"])
def test_only_what_passed_the_gate_is_promoted(registry, add_version, verdict):
    add_version(verdict)
    refused(f"the gate says {verdict} of v1", promote, registry)
    refused(f"v1 did not pass the gate: {verdict}", promote, registry, 1)
    assert registry.aliases() == Aliases()


def test_the_newest_proven_version_is_taken_not_the_newest(registry, add_version):
    first = add_version(beats_anchor=True)
    promote(registry)
    add_version(against=first)
    add_version("KEEP", against=first)
    assert promote(registry)[0].number == 2


@pytest.mark.parametrize("against", [None, 0])
def test_a_verdict_on_another_champion_is_stale(registry, add_version, three, against):
    promote(registry)
    add_version(against=three[against] if against is not None else None)
    for number in (None, 4):
        refused("judged against another champion; v3 is champion now", promote, registry, number)
    assert registry.aliases().champion == 3


def test_a_version_that_does_not_exist_is_named(registry, three):
    refused("no version 9", promote, registry, 9)
    refused("no version 9", roll_back, registry, 9)
    assert len(registry.versions()) == len(three)


@pytest.mark.usefixtures("three")
def test_rolling_back_returns_to_the_one_before(registry):
    promote(registry)
    target, changed = roll_back(registry)
    assert (target.number, changed) == (2, True)
    assert registry.aliases() == Aliases(champion=2, anchor=2, previous=2)
    assert [v.rolled_back for v in registry.versions()] == [False, False, True]


@pytest.mark.usefixtures("three")
def test_the_anchor_stays_when_it_was_not_the_one_taken_back(registry):
    roll_back(registry)
    assert registry.aliases() == Aliases(champion=1, anchor=1, previous=1)


@pytest.mark.usefixtures("three")
def test_rolling_back_twice_is_rolling_back_once(registry):
    promote(registry)
    roll_back(registry)
    before = registry.aliases()
    assert roll_back(registry)[1] is False
    assert registry.aliases() == before
    assert roll_back(registry, 1)[0].number == 1
    assert registry.aliases().champion == 1


def test_the_only_champion_there_ever_was_stays(registry, add_version):
    add_version(beats_anchor=True)
    promote(registry)
    refused("only champion there ever was", roll_back, registry)
    assert registry.aliases().champion == 1


@pytest.mark.parametrize("verdict", ["KEEP", "INVALID"])
def test_what_was_never_proven_is_no_way_back(registry, three, add_version, verdict):
    add_version(verdict, three[1])
    refused(f"never proven: the gate says {verdict}", roll_back, registry, 4)
    assert roll_back(registry, 1)[0].number == 1


def test_what_was_taken_back_is_not_promoted_by_itself(registry, three):
    promote(registry)
    roll_back(registry)
    assert promote(registry) == (three[1], False)
    refused("v3 was rolled back: train anew", promote, registry, 3)
    assert registry.aliases().champion == 2


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("move", [promote, roll_back])
@pytest.mark.usefixtures("three")
def test_a_move_that_was_killed_is_obeyed_and_completed(registry, monkeypatch, move, step):
    expected = {
        promote: Aliases(champion=3, anchor=3, previous=2),
        roll_back: Aliases(champion=1, anchor=1, previous=1),
    }[move]
    kill_at(step, monkeypatch)
    with pytest.raises(Killed):
        move(registry)
    monkeypatch.undo()
    after = Registry(registry.root, registry.name)
    assert after.aliases() == expected
    assert move(after)[1] is False
    assert in_mlflow(after) == (expected, {})


def in_mlflow(registry):
    """The aliases as MLflow's own page shows them, and what is left of a move."""
    from mlflow import MlflowClient  # noqa: TID251 - to look behind the door

    (found,) = MlflowClient(registry.uri, registry.uri).search_registered_models()
    numbers = {alias: int(number) for alias, number in found.aliases.items()}
    return Aliases(**numbers), found.tags


def kill_at(step, monkeypatch):
    """Die before alias number `step` is set, or before the intent is taken away."""
    from mlflow import MlflowClient  # noqa: TID251 - to break it as a crash would

    left, real = [step], MlflowClient.set_registered_model_alias

    def set_alias(*given):
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(*given)

    def take_away(*_):
        raise Killed

    monkeypatch.setattr(ALIAS, set_alias)
    monkeypatch.setattr(END, take_away)


@pytest.mark.usefixtures("three")
def test_a_move_that_was_killed_before_it_began_has_not_happened(registry, monkeypatch):
    before = registry.aliases()

    def set_tag(*_):
        raise Killed

    monkeypatch.setattr("mlflow.MlflowClient.set_registered_model_tag", set_tag)
    with pytest.raises(Killed):
        promote(registry)
    monkeypatch.undo()
    assert Registry(registry.root, registry.name).aliases() == before
    assert promote(registry)[0].number == 3
