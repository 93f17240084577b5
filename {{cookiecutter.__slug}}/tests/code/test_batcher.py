"""Requests that wait together are scored as one; too many are refused; none pays for another."""

import asyncio
import threading
from dataclasses import replace

import numpy as np
import pytest
from _row import ROW

from your_package.serving.batcher import INLINE, Batcher
from your_package.serving.bodies import LARGEST_BATCH, Refused


@pytest.fixture
def watched(small_model):
    """A model, and the sizes and threads of its calls."""
    model, calls = small_model(), []

    def predict(inputs):
        calls.append((len(inputs["plan"]), threading.current_thread().name))
        if "poison" in inputs["region"]:
            raise ValueError("poison")
        return model.predict(inputs)

    return replace(model, predict=predict), calls


def asked(batcher, *requests):
    """Ask all at once; each answer, or the error in its place."""

    async def ask_all():
        async def one(rows):
            return await batcher.predict(rows)

        return await asyncio.gather(*map(one, requests), return_exceptions=True)

    return asyncio.run(ask_all())


def test_requests_of_one_turn_are_scored_as_one_and_answered_apart(watched):
    model, calls = watched
    requests = [[{**ROW, "satisfaction": n}] * n for n in range(1, 11)]
    answers = asked(Batcher(model), *requests)
    assert calls == [(55, "MainThread")]
    for rows, answer in zip(requests, answers, strict=True):
        (alone,) = asked(Batcher(model), rows)
        assert answer[:2] == alone[:2]
        assert len(answer.labels) == len(rows)


def test_many_rows_leave_the_event_loop_free(watched):
    model, calls = watched
    (answer,) = asked(Batcher(model), [ROW] * (INLINE + 1))
    assert calls[0][1].startswith("score")
    assert np.array_equal(answer.values[0], answer.values[-1])


def test_a_slow_format_is_always_asked_in_a_thread_and_what_waits_goes_next(watched):
    model, calls = watched
    slow = replace(model, signature=replace(model.signature, format="skops"))
    batcher = Batcher(slow)

    async def ask_in_turns():
        first = batcher.predict([ROW])
        await asyncio.sleep(0)
        return await asyncio.gather(first, *(batcher.predict([ROW]) for _ in range(9)))

    assert len(asyncio.run(ask_in_turns())) == 10
    assert [size for size, _ in calls] == [1, 9]
    assert all(name.startswith("score") for _, name in calls)


def test_a_call_holds_no_more_than_the_largest_batch(watched):
    model, calls = watched
    part = LARGEST_BATCH // 2 + 1
    answers = asked(Batcher(model, queue=LARGEST_BATCH * 3), *[[ROW] * part] * 3)
    assert [size for size, _ in calls] == [part] * 3
    assert [len(answer.labels) for answer in answers] == [part] * 3


def test_a_full_queue_refuses_and_what_waits_is_answered(watched):
    model, _ = watched
    answers = asked(Batcher(model, queue=10), *[[ROW] * 4] * 4)
    assert [getattr(answer, "status", 200) for answer in answers] == [200, 200, 503, 503]
    assert isinstance(answers[2], Refused)


def test_a_request_larger_than_the_queue_is_answered_where_nothing_waits(watched):
    model, _ = watched
    batcher = Batcher(model, queue=1)
    for _ in range(2):
        (answer,) = asked(batcher, [ROW] * 5)
        assert len(answer.labels) == 5
    assert batcher.rows == 0


def test_a_row_that_breaks_the_model_breaks_its_own_request_alone(watched):
    model, _ = watched
    poison = [ROW | {"region": "poison"}]
    answers = asked(Batcher(model), [ROW], poison, [ROW] * 2)
    assert isinstance(answers[1], ValueError)
    assert [len(answers[0].labels), len(answers[2].labels)] == [1, 2]


def test_a_request_that_is_given_up_is_not_scored(watched):
    model, calls = watched
    batcher = Batcher(model)

    async def give_up():
        lost = batcher.predict([ROW] * 7)
        kept = batcher.predict([ROW])
        lost.cancel()
        return await kept

    assert len(asyncio.run(give_up()).labels) == 1
    assert [size for size, _ in calls] == [1]
    assert batcher.rows == 0
