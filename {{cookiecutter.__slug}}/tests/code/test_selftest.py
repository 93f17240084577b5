"""The gate finds every planted case; a gate that is broken does not pass its own test."""

import pytest

from your_package import selftest
from your_package.decision import Decision, Verdict


def test_all_eight_are_found():
    found = selftest.selftest()
    assert [one.planted for one in found if not one.ok] == []
    assert len(found) == 8
    assert {one.verdict for one in found} == set(Verdict)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_gate_that_always_says_the_same_fails(monkeypatch, verdict):
    always = Decision(verdict, "good enough", "roc_auc", 1)
    monkeypatch.setattr(selftest, "decide", lambda *_: always)
    assert not all(one.ok for one in selftest.selftest())
