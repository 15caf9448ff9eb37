"""PriorityLevelConfigurations. https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"""

import math

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.flowschema import FlowRules, check_conditions
from corral.api.kinds.workload import default_fields
from corral.api.objects import Object

TYPES = ("Exempt", "Limited")
RESPONSES = ("Queue", "Reject")
MAX_QUEUES = 10_000_000
MAX_HASH_BITS = 60
NOT_NEGATIVE = "must be a non-negative integer"


class PriorityLevelConfigurationRules(FlowRules):
    """Rules of flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration."""

    def default(self, obj: Object) -> None:
        """Thirty shares, of which none are lent; 64 queues of 50, of which a flow has 8."""
        spec = obj.setdefault("spec", {})
        if spec.get("exempt") is not None:
            default_fields(spec["exempt"], nominalConcurrencyShares=0, lendablePercent=0)
        limited = spec.get("limited")
        if limited is None:
            return
        default_fields(limited, nominalConcurrencyShares=30, lendablePercent=0)
        queuing = limited.setdefault("limitResponse", {}).get("queuing")
        for field, number in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
            if queuing is not None and not queuing.get(field):
                queuing[field] = number

    def validate_create(self, obj: Object) -> Errors:
        """The type and what belongs to it."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        kind, limited, exempt = spec.get("type", ""), spec.get("limited"), spec.get("exempt")
        if (rows.name(obj) == "exempt") != (kind == "Exempt"):
            errs.invalid(path.child("type"), kind, "type must be 'Exempt' if and only if name is 'exempt'")
        if kind == "Exempt":
            if limited is not None:
                errs.forbidden(path.child("limited"), "must be nil if the type is not Limited")
            if exempt is not None:
                _check_shares(errs, exempt, path.child("exempt"))
        elif kind == "Limited":
            if exempt is not None:
                errs.forbidden(path.child("exempt"), "must be nil if the type is Limited")
            if limited is None:
                errs.required(path.child("limited"), "must not be empty when type is Limited")
            else:
                _check_limited(errs, limited, path.child("limited"))
        else:
            errs.unsupported(path.child("type"), kind, TYPES)
        check_conditions(errs, obj)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj["spec"]
        limited = spec.get("limited") or {}
        queuing = (limited.get("limitResponse") or {}).get("queuing") or {}
        shown = [queuing.get(field, "<none>") for field in ("queues", "handSize", "queueLengthLimit")]
        shares = limited.get("nominalConcurrencyShares", "<none>")
        return [rows.name(obj), spec.get("type", ""), shares, *shown, rows.age(obj, now_s)]


def _check_shares(errs: Errors, shares: Object, path: Path) -> None:
    nominal, lendable = shares.get("nominalConcurrencyShares") or 0, shares.get("lendablePercent") or 0
    if nominal < 0:
        errs.invalid(path.child("nominalConcurrencyShares"), nominal, NOT_NEGATIVE)
    if not 0 <= lendable <= 100:
        errs.invalid(path.child("lendablePercent"), lendable, "must be between 0 and 100, inclusive")


def _check_limited(errs: Errors, limited: Object, path: Path) -> None:
    nominal, lendable = limited.get("nominalConcurrencyShares") or 0, limited.get("lendablePercent") or 0
    if nominal < 0:
        errs.invalid(path.child("nominalConcurrencyShares"), nominal, NOT_NEGATIVE)
    _check_response(errs, limited.get("limitResponse") or {}, path.child("limitResponse"))
    if not 0 <= lendable <= 100:
        errs.invalid(path.child("lendablePercent"), lendable, "must be between 0 and 100, inclusive")
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        errs.invalid(path.child("borrowingLimitPercent"), borrowing, f"if specified, {NOT_NEGATIVE}")


def _check_response(errs: Errors, response: Object, path: Path) -> None:
    kind, queuing = response.get("type", ""), response.get("queuing")
    if kind == "Reject":
        if queuing is not None:
            errs.forbidden(path.child("queuing"), "must be nil if limited.limitResponse.type is not Limited")
    elif kind == "Queue":
        if queuing is None:
            errs.required(path.child("queuing"), "must not be empty if limited.limitResponse.type is Limited")
        else:
            _check_queuing(errs, queuing, path.child("queuing"))
    else:
        errs.unsupported(path.child("type"), kind, RESPONSES)


def _check_queuing(errs: Errors, queuing: Object, path: Path) -> None:
    limit, queues, hand = (queuing.get(field, 0) for field in ("queueLengthLimit", "queues", "handSize"))
    if limit <= 0:
        errs.invalid(path.child("queueLengthLimit"), limit, "must be positive")
    if queues <= 0:
        errs.invalid(path.child("queues"), queues, "must be positive")
    elif queues > MAX_QUEUES:
        errs.invalid(path.child("queues"), queues, f"must not be greater than {MAX_QUEUES}")
    at = path.child("handSize")
    if hand <= 0:
        errs.invalid(at, hand, "must be positive")
    elif hand > queues:
        errs.invalid(at, hand, f"should not be greater than queues ({queues})")
    elif _entropy_bits(queues, hand) > MAX_HASH_BITS:
        why = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {MAX_HASH_BITS}"
        errs.invalid(at, hand, why)


def _entropy_bits(deck: int, hand: int) -> int:
    """How many bits of a hash dealing `hand` cards of `deck` takes."""
    return math.ceil(math.log2(deck) * hand)


RULES = {"PriorityLevelConfiguration": PriorityLevelConfigurationRules()}
