"""Numbers of replicas are steadied over time and kept within rates and bounds."""

import pytest

from corral.controllers.scalingrules import (
    DOWN_LIMIT,
    DOWN_STEADIED,
    RANGE,
    READY,
    TOO_FEW,
    TOO_MANY,
    UP_LIMIT,
    UP_STEADIED,
    Bounds,
    History,
    Moment,
    longest_s,
    settle,
)

NOW = 1000.0
WIDE = Bounds(1, 100)


def policy(type: str, value: int, period_s: int = 60) -> dict:
    return {"type": type, "value": value, "periodSeconds": period_s}


def behavior(
    *, up: list[dict] | None = None, down: list[dict] | None = None, up_s: int = 0, down_s: int = 0, **select: str
) -> dict:
    rules = {
        "scaleUp": {"stabilizationWindowSeconds": up_s, "policies": up or [policy("Percent", 1000)]},
        "scaleDown": {"stabilizationWindowSeconds": down_s, "policies": down or [policy("Percent", 100)]},
    }
    for way, chosen in select.items():
        rules[way]["selectPolicy"] = chosen
    return rules


def recommended(*moments: tuple[float, int]) -> History:
    return History([Moment(NOW - age_s, replicas) for age_s, replicas in moments])


@pytest.mark.parametrize(
    ("current", "wanted", "bounds", "replicas", "limited"),
    [
        (3, 5, WIDE, 5, RANGE),
        (3, 9, WIDE, 6, UP_LIMIT),
        (1, 9, WIDE, 4, UP_LIMIT),
        (3, 9, Bounds(1, 5), 5, TOO_MANY),
        (3, 1, Bounds(2, 5), 2, TOO_FEW),
    ],
)
def test_without_behaviour_growth_doubles_at_most(current, wanted, bounds, replicas, limited):
    found = settle(current, wanted, bounds, None, History(), NOW)
    assert (found.replicas, found.limited, found.is_limited) == (replicas, limited, limited is not RANGE)


def test_without_behaviour_the_highest_of_five_minutes_counts_on_the_way_down():
    found = settle(5, 2, WIDE, None, recommended((310, 9), (200, 4), (100, 3)), NOW)
    assert (found.replicas, found.steadied) == (4, DOWN_STEADIED)
    assert settle(5, 2, WIDE, None, recommended((310, 9)), NOW).steadied == READY


def test_windows_of_both_directions():
    calm = behavior(up_s=60, down_s=120)
    assert settle(3, 8, WIDE, calm, recommended((30, 5), (90, 2)), NOW).replicas == 5
    assert settle(3, 8, WIDE, calm, recommended((30, 5)), NOW).steadied == UP_STEADIED
    found = settle(8, 3, WIDE, calm, recommended((100, 6), (130, 9)), NOW)
    assert (found.replicas, found.steadied) == (6, DOWN_STEADIED)
    # Between the lowest and the highest it stays where it is.
    assert settle(4, 8, WIDE, calm, recommended((30, 2)), NOW).replicas == 4


def test_the_window_on_the_way_down_is_five_minutes_unless_it_is_said():
    rules = behavior()
    del rules["scaleDown"]["stabilizationWindowSeconds"]
    assert settle(5, 1, WIDE, rules, recommended((299, 4)), NOW).replicas == 4
    assert settle(5, 1, WIDE, rules, recommended((301, 4)), NOW).replicas == 1


@pytest.mark.parametrize(
    ("select", "replicas"),
    [("Max", 20), ("Min", 14), ("Disabled", 10)],
)
def test_of_several_policies_one_is_selected_up(select, replicas):
    rules = behavior(up=[policy("Pods", 4), policy("Percent", 100)], scaleUp=select)
    found = settle(10, 50, WIDE, rules, History(), NOW)
    assert (found.replicas, found.limited) == (replicas, UP_LIMIT)


@pytest.mark.parametrize(
    ("select", "replicas"),
    [("Max", 5), ("Min", 8), ("Disabled", 10)],
)
def test_of_several_policies_one_is_selected_down(select, replicas):
    rules = behavior(down=[policy("Pods", 2), policy("Percent", 50)], scaleDown=select)
    found = settle(10, 1, WIDE, rules, History(), NOW)
    assert (found.replicas, found.limited) == (replicas, DOWN_LIMIT)


def test_what_was_done_in_the_period_is_taken_off():
    rules = behavior(up=[policy("Pods", 4, 60)])
    done = History(added=[Moment(NOW - 30, 3), Moment(NOW - 90, 4)])
    assert settle(10, 50, WIDE, rules, done, NOW).replicas == 11
    assert settle(10, 50, WIDE, rules, History(added=[Moment(NOW - 10, 6)]), NOW).replicas == 10
    back = History(removed=[Moment(NOW - 10, 3)])
    assert settle(10, 50, WIDE, rules, back, NOW).replicas == 17


def test_bounds_hold_beside_rates():
    assert settle(3, 50, Bounds(1, 7), behavior(), History(), NOW).limited == TOO_MANY
    assert settle(5, 1, Bounds(2, 7), behavior(), History(), NOW).limited == TOO_FEW


def test_history_is_kept_as_long_as_any_rule_looks_back():
    assert longest_s(None) == 300
    assert longest_s(behavior(up=[policy("Pods", 1, 1800)])) == 1800
    kept = recommended((400, 1), (100, 2)).since(NOW - 300)
    assert [moment.replicas for moment in kept.recommendations] == [2]
