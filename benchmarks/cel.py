"""What CEL costs: compiling and evaluating expressions, beside the same checks written in Python and run in the same minute.

`python benchmarks/cel.py`
"""

import time
from collections.abc import Callable

from corral.api import cel
from corral.api.validationrules import validations_of

SECONDS = 0.3
ROUNDS = 5
ENVIRONMENTS = [{"name": f"NAME_{i}", "value": "x"} for i in range(50)]
POD = {
    "metadata": {"name": "web-1", "labels": {"app": "web"}},
    "spec": {"replicas": 3, "containers": [{"name": "web", "image": "nginx:1.27", "env": ENVIRONMENTS}]},
}
NUMBERS = list(range(1000))


def _all_named(obj: dict) -> bool:
    return all(one["name"].startswith("NAME_") for container in obj["spec"]["containers"] for one in container["env"])


#: Each expression with the same thing in Python.
CASES: dict[str, tuple[str, Callable[[dict], object]]] = {
    "two fields": (
        "object.spec.replicas <= 5 && object.metadata.name.startsWith('web')",
        lambda obj: obj["spec"]["replicas"] <= 5 and obj["metadata"]["name"].startswith("web"),
    ),
    "50 items": ("object.spec.containers.all(c, c.env.all(e, e.name.startsWith('NAME_')))", _all_named),
    "1,000 numbers": ("numbers.all(n, n < 1000)", lambda _obj: all(n < 1000 for n in NUMBERS)),
    "a pattern": (
        "object.spec.containers[0].image.matches('^[a-z]+:[0-9.]+$')",
        lambda obj: obj["spec"]["containers"][0]["image"].startswith("nginx:"),
    ),
}
RULED = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"min": {"type": "integer"}, "max": {"type": "integer"}, "mode": {"type": "string"}},
            "x-kubernetes-validations": [
                {"rule": "self.min <= self.max", "message": "min is above max"},
                {"rule": "!has(oldSelf.mode) || self.mode == oldSelf.mode", "message": "mode is fixed"},
            ],
        }
    },
}


def microseconds(call: Callable[[], object]) -> float:
    """The least time of one call among several rounds, in microseconds of this process's CPU."""
    count, best = 1, float("inf")
    while True:
        began_s = time.process_time()
        for _ in range(count):
            call()
        took_s = time.process_time() - began_s
        if took_s >= SECONDS / ROUNDS:
            break
        count *= 2
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(count):
            call()
        best = min(best, time.process_time() - began_s)
    return best / count * 1e6


def main() -> None:
    """Print a row for each case."""
    environment = cel.Environment({"object": cel.DYN, "numbers": cel.list_of(cel.INT)})
    values = {"object": POD, "numbers": NUMBERS}
    print(f"{'':16}{'compile':>10}{'evaluate':>10}{'Python':>10}{'ratio':>8}   microseconds; ratio: evaluate to Python")
    for name, (expression, same) in CASES.items():
        program = environment.compile(expression)
        assert program.evaluate(values) is True
        compiling = microseconds(lambda expression=expression: environment.compile(expression))
        evaluating = microseconds(lambda program=program: program.evaluate(values))
        plain = microseconds(lambda same=same: same(POD))
        print(f"{name:16}{compiling:10.0f}{evaluating:10.1f}{plain:10.2f}{evaluating / plain:8.1f}")
    rules = validations_of(RULED, is_root=True)
    value = {"metadata": {"name": "a"}, "spec": {"min": 1, "max": 2, "mode": "a"}}
    print(f"{'two rules':16}{'':10}{microseconds(lambda: rules.check(value, value)):10.1f}")
    limit = environment.compile("numbers.all(a, numbers.all(b, a < 1000 && b < 1000))")
    began_s = time.process_time()
    try:
        limit.evaluate(values)
    except cel.CostError:
        print(f"the most one expression may take: {time.process_time() - began_s:.2f} s of CPU")


if __name__ == "__main__":
    main()
