"""`POST serviceaccounts/NAME/token`: a token for a service account, bound to what the request names (KEP-1205)."""

from corral.api.errors import ApiError, bad_request, conflict, not_found
from corral.api.fields import Errors
from corral.api.objects import Object
from corral.base.clock import Clock, rfc3339
from corral.server.authentication.tokens import WARN_ONLY_LIFETIME_S, TokenAuthority
from corral.server.lookup import Lookup

DEFAULT_LIFETIME_S = 3600
MIN_LIFETIME_S = 600
MAX_LIFETIME_S = 1 << 32
GROUP = "authentication.k8s.io"
#: Kind of a bound object → its resource and the claim.
BINDABLE = {"Pod": ("pods", "pod"), "Secret": ("secrets", "secret"), "Node": ("nodes", "node")}


class TokenRequests:
    """Answers TokenRequests. `max_lifetime_s` caps what may be asked for; 0 does not."""

    def __init__(self, lookup: Lookup, tokens: TokenAuthority, clock: Clock, *, max_lifetime_s: int = 0) -> None:
        self._lookup = lookup
        self._tokens = tokens
        self._clock = clock
        self._max_lifetime_s = max_lifetime_s

    def create(self, namespace: str, name: str, obj: Object) -> Object:
        """The request with its token. Raises ApiError (400, 404, 409, 422)."""
        account = self._lookup.get("serviceaccounts", namespace, name)
        if account is None:
            raise not_found("serviceaccounts", "", name)
        meta = obj.get("metadata") or {}
        if meta.get("name", name) != name or meta.get("namespace", namespace) != namespace:
            raise bad_request("the name of the token request does not match the URL")
        given = obj.get("spec") or {}
        asked_s = given.get("expirationSeconds")
        spec: Object = {
            "audiences": list(given.get("audiences") or self._tokens.audiences),
            "expirationSeconds": DEFAULT_LIFETIME_S if asked_s is None else asked_s,
            "boundObjectRef": given.get("boundObjectRef"),
        }
        lifetime_s = self._lifetime(spec)
        bound = self._bound(spec["boundObjectRef"], account)
        now_s = self._clock.now()
        token = self._tokens.issue(account, spec["audiences"], lifetime_s, bound, now_s)
        return {
            "kind": "TokenRequest",
            "apiVersion": f"{GROUP}/v1",
            "metadata": {**meta, "name": name, "namespace": namespace, "creationTimestamp": rfc3339(now_s)},
            "spec": spec,
            "status": {"token": token, "expirationTimestamp": rfc3339(int(now_s) + lifetime_s)},
        }

    def _lifetime(self, spec: Object) -> int:
        lifetime_s = int(spec["expirationSeconds"])
        errors = Errors()
        if lifetime_s < MIN_LIFETIME_S:
            errors.invalid("spec.expirationSeconds", lifetime_s, "may not specify a duration less than 10 minutes")
        if lifetime_s > MAX_LIFETIME_S:
            errors.invalid("spec.expirationSeconds", lifetime_s, "may not specify a duration larger than 2^32 seconds")
        if errors:
            raise errors.to_error("TokenRequest", GROUP, "")
        if self._max_lifetime_s and lifetime_s != WARN_ONLY_LIFETIME_S:
            lifetime_s = min(lifetime_s, self._max_lifetime_s)
        return lifetime_s

    def _bound(self, ref: Object | None, account: Object) -> Object:
        """The claims of the object that the token shall be bound to."""
        if not ref:
            return {}
        kind, name, uid = ref.get("kind", ""), ref.get("name", ""), ref.get("uid", "")
        if kind not in BINDABLE or ref.get("apiVersion", "v1") not in ("v1", ""):
            raise bad_request(f"cannot bind token to object of type {_type(ref)}")
        resource, claim = BINDABLE[kind]
        found = self._lookup.get(resource, "" if kind == "Node" else account["metadata"]["namespace"], name)
        if found is None:
            raise not_found(resource, "", name)
        real_uid = found["metadata"].get("uid", "")
        if uid and uid != real_uid:
            raise _other_object(resource, name, uid)
        bound: Object = {claim: {"name": name, "uid": real_uid}}
        if kind == "Pod":
            spec = found.get("spec", {})
            if spec.get("serviceAccountName", "") != account["metadata"]["name"]:
                account_name = account["metadata"]["name"]
                raise bad_request(
                    f'cannot bind token for serviceaccount "{account_name}" to pod running with different serviceaccount name.'
                )
            bound |= self._node_of(spec)
        return bound

    def _node_of(self, pod_spec: Object) -> Object:
        name = pod_spec.get("nodeName")
        if not name:
            return {}
        node = self._lookup.get("nodes", "", name)
        ref = {"name": name}
        if node is not None:
            ref["uid"] = node["metadata"].get("uid", "")
        return {"node": ref}


def _type(ref: Object) -> str:
    group, _, version = ref.get("apiVersion", "v1").rpartition("/")
    return f"{group}/{version}, Kind={ref.get('kind', '')}"


def _other_object(resource: str, name: str, asked_uid: str) -> ApiError:
    why = f"the UID in the bound object reference ({asked_uid}) does not match the UID in record. "
    return conflict(resource, "", name, why + "The object might have been deleted and then recreated")
