"""Values that were asked for lately are kept, as many of them as weigh so much together."""

from __future__ import annotations

from application.kept import KeptValues


def test_what_was_asked_for_last_stays() -> None:
    kept = KeptValues[str, int](2)
    made = [kept.of("a", lambda: 1), kept.of("b", lambda: 2), kept.of("a", lambda: 0), kept.of("c", lambda: 3)]
    assert made == [1, 2, 1, 3]
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_heavier_ones_leave_less_room_and_the_heaviest_stands_alone() -> None:
    kept = KeptValues[str, str](10)
    for key, weight in (("a", 4), ("b", 4), ("a", 6)):
        kept.put(key, key, weight)
    assert (kept.get("a"), kept.get("b")) == ("a", "b"), "a value that is put anew weighs what it weighs now"
    kept.put("c", "c", 40)
    assert [kept.get(key) for key in "abc"] == [None, None, "c"]
    kept.put("d", "d", 10)
    assert [kept.get(key) for key in "cd"] == [None, "d"]


async def test_what_does_not_hold_is_made_again() -> None:
    kept, made = KeptValues[str, int](2), list[int]()

    async def make() -> int:
        made.append(len(made))
        return made[-1]

    assert [await kept.awaited("a", make, holds=bool) for _time in range(3)] == [0, 1, 1]
    assert kept.get("a") == 1
