from prometheus_client.parser import text_string_to_metric_families

from corral.base.exposition import Family, label_text
from corral.base.histogram import Histogram


def samples(family: Family) -> list[tuple[str, dict[str, str], float]]:
    return [(s.name, s.labels, s.value) for f in text_string_to_metric_families(str(family)) for s in f.samples]


def test_a_value_is_read_back_whatever_its_labels_hold() -> None:
    odd = {"a": 'x"y', "b": "\\", "c": "one\ntwo"}
    family = Family("cows_total", "counter", "Cows.")
    family.add(label_text(odd), 3)
    assert samples(family) == [("cows_total", odd, 3.0)]


def test_buckets_count_what_lies_below_them() -> None:
    values = Histogram((0.5, 1.0))
    for value in (0.25, 0.5, 0.75, 9):
        values.observe(value)
    family = Family("weight", "histogram", "Weights.")
    family.add_histogram(label_text({"of": "cow"}), values)
    assert samples(family) == [
        ("weight_bucket", {"of": "cow", "le": "0.5"}, 2.0),
        ("weight_bucket", {"of": "cow", "le": "1"}, 3.0),
        ("weight_bucket", {"of": "cow", "le": "+Inf"}, 4.0),
        ("weight_count", {"of": "cow"}, 4.0),
        ("weight_sum", {"of": "cow"}, 10.5),
    ]


def test_a_family_without_samples_says_nothing() -> None:
    assert str(Family("none", "gauge", "None.")) == ""
