"""Tuples with names, as typing's are; records, as msgspec's are."""

import copy
import pickle
from typing import NamedTuple as Reference

import pytest
from msgspec import Struct

from corral.base.annotations import NamedTuple, Record


class Point(NamedTuple):
    x: int
    y: int = 2
    label: str = ""

    def far(self) -> bool:
        return self.x > 10


class Known(Reference):
    x: int
    y: int = 2
    label: str = ""


@pytest.mark.parametrize(("given", "named"), [((1,), {}), ((1, 3), {"label": "a"}), ((), {"x": 5}), ((1, 2, "c"), {})])
def test_it_is_made_and_compared_as_the_library_s(given, named):
    made, known = Point(*given, **named), Known(*given, **named)
    assert made == known
    assert (made.x, made.y, made.label) == (known.x, known.y, known.label)
    assert repr(made) == repr(known).replace("Known", "Point")
    assert made._asdict() == known._asdict()
    assert made._replace(y=9) == known._replace(y=9)
    assert hash(made) == hash(known)
    assert made._fields == known._fields
    assert Point._make(known) == made


@pytest.mark.parametrize(("given", "named"), [((), {}), ((1, 2, "c", 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_it_refuses_what_the_library_s_refuses(given, named):
    for cls in (Point, Known):
        with pytest.raises(TypeError):
            cls(*given, **named)


def test_it_is_a_tuple_that_can_be_copied():
    point = Point(11, 1)
    x, y, _ = point
    assert (x, y, point.far()) == (11, 1, True)
    assert copy.deepcopy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point
    with pytest.raises(AttributeError):
        point.x = 3


class Place(Record, frozen=True):
    x: int
    y: int = 2
    label: str = ""

    @property
    def far(self) -> bool:
        return self.x > 10


class Struck(Struct, frozen=True):
    x: int
    y: int = 2
    label: str = ""


@pytest.mark.parametrize(("given", "named"), [((1,), {}), ((1, 3), {"label": "a"}), ((), {"x": 5}), ((1, 2, "c"), {})])
def test_a_record_is_made_as_a_struct_is(given, named):
    made, known = Place(*given, **named), Struck(*given, **named)
    assert (made.x, made.y, made.label, made.far) == (known.x, known.y, known.label, False)
    assert repr(made) == repr(known).replace("Struck", "Place")
    assert made == Place(*given, **named) and hash(made) == hash(Place(*given, **named))
    assert made != Place(7, 7, "other") and made != known
    with pytest.raises(AttributeError):
        made.other = 1


@pytest.mark.parametrize(("given", "named"), [((), {}), ((1, 2, "c", 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_a_record_refuses_what_a_struct_refuses(given, named):
    for cls in (Place, Struck):
        with pytest.raises(TypeError):
            cls(*given, **named)


@pytest.mark.parametrize("base", [NamedTuple, Record])
def test_annotations_of_newer_pythons(base):
    """Which keep a function in their place, in the namespace of the class."""
    made = type(base)("Made", (base,), {"__annotate_func__": lambda form: {"x": int, "y": str}, "y": "default"})
    assert (made(1).x, made(1).y) == (1, "default")
