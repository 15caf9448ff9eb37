"""The reviews: objects that are only ever created, and whose status answers a question about access or identity.

SubjectAccessReview and its kin ask the authorizer, TokenReview and SelfSubjectReview the authenticator.
"""

from collections.abc import Awaitable, Callable

from corral.api.errors import ApiError, bad_request
from corral.api.fields import Errors
from corral.api.objects import Object
from corral.base.clock import Clock, rfc3339
from corral.server.authentication import Authenticator
from corral.server.authorization.attributes import Attributes
from corral.server.authorization.authorizer import Authorizer
from corral.server.authorization.node import node_of
from corral.server.request import Request, User

ACCESS_GROUP = "authorization.k8s.io"
IDENTITY_GROUP = "authentication.k8s.io"
ONE_ATTRIBUTE = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


class Reviews:
    """Answers reviews."""

    def __init__(self, authorizer: Authorizer, authenticator: Authenticator, clock: Clock) -> None:
        self._authorizer = authorizer
        self._authenticator = authenticator
        self._clock = clock
        #: Signs and publishes service-account tokens.
        self.tokens = authenticator.tokens
        self._handlers: dict[tuple[str, str], Callable[[Request, Object], Object | Awaitable[Object]]] = {
            (ACCESS_GROUP, "selfsubjectaccessreviews"): self._self_access,
            (ACCESS_GROUP, "subjectaccessreviews"): self._access,
            (ACCESS_GROUP, "localsubjectaccessreviews"): self._local_access,
            (ACCESS_GROUP, "selfsubjectrulesreviews"): self._self_rules,
            (IDENTITY_GROUP, "selfsubjectreviews"): self._self,
            (IDENTITY_GROUP, "tokenreviews"): self._token,
        }

    def handles(self, group: str, plural: str) -> bool:
        """Whether this resource is a review."""
        return (group, plural) in self._handlers

    async def create(self, request: Request, obj: Object) -> Object:
        """The review `obj` with its answer. Raises ApiError (400, 422)."""
        assert request.resource is not None
        answer = self._handlers[request.resource.group, request.resource.plural](request, obj)
        return answer if isinstance(answer, dict) else await answer

    async def _self_access(self, request: Request, obj: Object) -> Object:
        spec = obj.get("spec") or {}
        _require_valid(_attribute_errors(spec), obj)
        return {**obj, "spec": spec, "status": await self._answer(request.user, spec)}

    async def _access(self, request: Request, obj: Object) -> Object:
        spec = obj.get("spec") or {}
        _require_valid(_subject_errors(spec), obj)
        return {**obj, "spec": spec, "status": await self._answer(_subject(spec), spec)}

    async def _local_access(self, request: Request, obj: Object) -> Object:
        spec = obj.get("spec") or {}
        errors = _subject_errors(spec)
        where = (spec.get("resourceAttributes") or {}).get("namespace", "")
        if where != request.namespace:
            errors.invalid("spec.resourceAttributes.namespace", where, f"must match metadata.namespace: {request.namespace}")
        if spec.get("nonResourceAttributes"):
            errors.invalid("spec.nonResourceAttributes", None, "disallowed on this kind of request")
        _require_valid(errors, obj)
        return {**obj, "spec": spec, "status": await self._answer(_subject(spec), spec)}

    async def _answer(self, user: User, spec: Object) -> Object:
        decision = await self._authorizer.ask(_attributes(user, spec))
        status: Object = {"allowed": decision.allowed}
        if decision.reason:
            status["reason"] = decision.reason
        return status

    def _self_rules(self, request: Request, obj: Object) -> Object:
        namespace = (obj.get("spec") or {}).get("namespace", "")
        if not namespace:
            raise bad_request("no namespace on request")
        held = self._authorizer.rbac.rules_for(request.user, namespace)
        resource_rules, path_rules = [], []
        for rule in held.rules:
            if rule.get("resources"):
                names = ("verbs", "apiGroups", "resources", "resourceNames")
                resource_rules.append({name: rule[name] for name in names if rule.get(name)})
            if rule.get("nonResourceURLs"):
                path_rules.append({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]})
        problems = list(dict.fromkeys(held.problems))
        if node_of(request.user):
            problems.append("node authorizer does not support user rule resolution")
        status: Object = {"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": bool(problems)}
        if problems:
            status["evaluationError"] = ", ".join(problems)
        return {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": {}, "spec": {}, "status": status}

    def _self(self, request: Request, obj: Object) -> Object:
        meta = {"creationTimestamp": rfc3339(self._clock.now())}
        status = {"userInfo": user_info(request.user)}
        return {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": meta, "status": status}

    async def _token(self, request: Request, obj: Object) -> Object:
        spec = obj.get("spec") or {}
        token = spec.get("token", "")
        if not token:
            raise bad_request("token is required for TokenReview in authentication")
        verified = await self._authenticator.verify(token, spec.get("audiences") or ())
        status: Object
        if verified is None:
            status = {"user": {}, "error": "invalid bearer token"}
        else:
            status = {"authenticated": True, "user": user_info(verified.user), "audiences": list(verified.audiences)}
        return {**obj, "spec": spec, "status": status}


def user_info(user: User) -> Object:
    """A `UserInfo` without what is empty."""
    info: Object = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info


def _subject(spec: Object) -> User:
    extra = {key.lower(): tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()), extra)


def _attributes(user: User, spec: Object) -> Attributes:
    asked = spec.get("resourceAttributes")
    if asked is None:
        path = spec["nonResourceAttributes"]
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""))
    names = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
    attributes = Attributes(user, *(asked.get(name, "") for name in names))
    return attributes._replace(field_selector=_field_selector(asked.get("fieldSelector") or {}))


def _field_selector(selector: Object) -> str:
    terms = [
        f"{term.get('key')}={term['values'][0]}"
        for term in selector.get("requirements") or ()
        if term.get("operator") == "In" and len(term.get("values") or ()) == 1
    ]
    return selector.get("rawSelector") or ",".join(terms)


def _attribute_errors(spec: Object) -> Errors:
    errors = Errors()
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        errors.invalid("spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes")
    if resource is None and path is None:
        errors.invalid("spec.resourceAttributes", None, ONE_ATTRIBUTE)
    for name in ("fieldSelector", "labelSelector"):
        selector = (resource or {}).get(name)
        if selector is not None:
            _check_selector(errors, selector, f"spec.resourceAttributes.{name}")
    return errors


def _check_selector(errors: Errors, selector: Object, path: str) -> None:
    """A selector of attributes is a text, or requirements, of the operators that selectors have."""
    raw, requirements = selector.get("rawSelector", ""), selector.get("requirements") or []
    if raw and requirements:
        errors.invalid(f"{path}.rawSelector", raw, "may not specified at the same time as requirements")
    if not raw and not requirements:
        errors.required(f"{path}.requirements", f"when {path} is specified, requirements or rawSelector is required")
    for i, requirement in enumerate(requirements):
        at, operator, values = f"{path}.requirements[{i}]", requirement.get("operator", ""), requirement.get("values") or []
        if not requirement.get("key"):
            errors.required(f"{at}.key", "must be specified")
        if operator in ("In", "NotIn"):
            if not values:
                errors.required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                errors.forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        else:
            errors.invalid(f"{at}.operator", operator, "not a valid selector operator")


def _subject_errors(spec: Object) -> Errors:
    errors = _attribute_errors(spec)
    if not spec.get("user") and not spec.get("groups"):
        errors.invalid("spec.user", spec.get("user", ""), "at least one of user or group must be specified")
    return errors


def _require_valid(errors: Errors, obj: Object) -> None:
    """The reference names the group of a review in the error, but no kind."""
    meta = {k: v for k, v in (obj.get("metadata") or {}).items() if k not in ("managedFields", "namespace")}
    if meta:
        errors.invalid("metadata", meta, "must be empty")
    if errors:
        error = errors.to_error("", ACCESS_GROUP, "")
        assert error.details is not None
        raise ApiError(error.code, error.reason, error.message, {k: v for k, v in error.details.items() if v != ""})
