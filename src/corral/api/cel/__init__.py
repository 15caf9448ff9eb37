"""The Common Expression Language (CEL) as Kubernetes has it: compile an expression once, evaluate it often. Pure.

    environment = cel.Environment({"object": cel.DYN, "params": cel.DYN, "authorizer": cel.AUTHORIZER})
    program = environment.compile("object.spec.replicas <= params.max")        # CompileError
    program.evaluate({"object": deployment, "params": params})                 # EvaluationError

An expression is a text, checked against the types of what it may speak of (`types.py`; `schemas.py` makes types of OpenAPI
schemas). Values are JSON-shaped (`values.py`). Work is counted in the reference's units and bounded: for a program by its
limit, for several of one request by a shared Budget. Errors are this room's own, in the words of cel-go.

Source goes through `lexer`, `parser` (with `macros`), `check` (types and overloads) and `plan`, which makes one Python closure
for each node; `environment` is the front. Functions are declared in `libraries/`, one module each, by signature (`functions`).

https://kubernetes.io/docs/reference/using-api/cel/, https://github.com/google/cel-spec
"""

from corral.api.cel.environment import PER_CALL_LIMIT, Budget, Environment, LazyMap, Program
from corral.api.cel.errors import BudgetError, CelError, CompileError, CostError, EvaluationError
from corral.api.cel.types import (
    AUTHORIZER,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    RESOURCE_CHECK,
    STRING,
    TIMESTAMP,
    UINT,
    ObjectType,
    Type,
    list_of,
    map_of,
    optional_of,
)
from corral.api.cel.values import NONE, Optional

__all__ = [
    "AUTHORIZER",
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "INT",
    "NONE",
    "NULL",
    "PER_CALL_LIMIT",
    "RESOURCE_CHECK",
    "STRING",
    "TIMESTAMP",
    "UINT",
    "Budget",
    "BudgetError",
    "CelError",
    "CompileError",
    "CostError",
    "Environment",
    "EvaluationError",
    "LazyMap",
    "ObjectType",
    "Optional",
    "Program",
    "Type",
    "list_of",
    "map_of",
    "optional_of",
]
