"""A memo asks once for each argument, holds no more than it may, and keeps no failures."""

import pytest

from corral.base.memo import Memo


def test_it_asks_once_and_holds_no_more_than_it_may():
    asked = []

    def find(text):
        asked.append(text)
        return text.upper()

    memo = Memo(2, find)
    assert [memo[text] for text in ("a", "b", "a", "c", "a")] == ["A", "B", "A", "C", "A"]
    assert asked == ["a", "b", "c", "a"]
    assert len(memo) == 2


def test_a_failure_is_told_each_time():
    memo = Memo(2, int)
    for _ in range(2):
        with pytest.raises(ValueError):
            memo["x"]
    assert not memo
