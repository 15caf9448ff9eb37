"""Whether a toleration covers a taint.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from corral.api.objects import Object


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether `toleration` covers `taint`: effect, key and value match, where it names them."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    value = taint.get("value", "")
    if operator in ("Lt", "Gt"):  # KEP-5471
        try:
            have, bound = int(value), int(toleration.get("value", ""))
        except ValueError:
            return False
        return have < bound if operator == "Lt" else have > bound
    return bool(toleration.get("key")) and bool(toleration.get("value", "") == value)
