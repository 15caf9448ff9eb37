"""The options of requests (query parameters, DeleteOptions), checked as the reference checks them."""

from typing import Literal

from msgspec import Struct

from corral.api.errors import ApiError, bad_request
from corral.api.fields import Errors
from corral.server.paths import is_true
from corral.server.request import Request

FIELD_VALIDATIONS = ("Ignore", "Strict", "Warn")
MANAGER_LIMIT_CHARS = 128


def _integer(request: Request, name: str) -> int:
    text = request.query.get(name, "")
    if not text:
        return 0
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _refuse(kind: str, errors: Errors) -> ApiError:
    return errors.to_error(kind, "meta.k8s.io", "")


class ListOptions(Struct, frozen=True):
    """What a LIST or watch is asked for."""

    version: str = ""
    match: str = ""
    limit: int = 0
    continue_: str = ""
    timeout_s: int = 0
    bookmarks: bool = False
    #: None where `sendInitialEvents` is not given.
    initial_events: bool | None = None

    @property
    def exact(self) -> bool:
        """The state at exactly `version`: asked for, or implied by a limit."""
        return self.match == "Exact" or (not self.match and self.limit > 0)

    @classmethod
    def of(cls, request: Request, *, watch: bool = False) -> "ListOptions":
        """The options of a request. Raises ApiError (400, 422)."""
        query = request.query
        if not query:
            return _NO_OPTIONS
        initial = query.get("sendInitialEvents")
        options = cls(
            query.get("resourceVersion", ""),
            query.get("resourceVersionMatch", ""),
            max(0, _integer(request, "limit")),
            query.get("continue", ""),
            _integer(request, "timeoutSeconds"),
            is_true(query.get("allowWatchBookmarks")),
            None if initial is None else is_true(initial),
        )
        errors = _watch_errors(options) if watch else _list_errors(options)
        if errors:
            raise _refuse("ListOptions", errors)
        if options.continue_ and options.version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return options


_NO_OPTIONS = ListOptions()


def _list_errors(options: ListOptions) -> Errors:
    errors = Errors()
    match = options.match
    if match:
        if not options.version:
            errors.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if options.continue_:
            errors.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
        if match not in ("Exact", "NotOlderThan"):
            errors.unsupported("resourceVersionMatch", match, ("Exact", "NotOlderThan", ""))
        if match == "Exact" and options.version == "0":
            errors.forbidden("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if options.initial_events is not None:
        errors.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
    return errors


def _watch_errors(options: ListOptions) -> Errors:
    errors = Errors()
    if options.initial_events is None:
        if options.match:
            message = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            errors.forbidden("resourceVersionMatch", message)
    elif options.match != "NotOlderThan":
        message = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        errors.forbidden("resourceVersionMatch", message)
    return errors


class WriteOptions(Struct, frozen=True):
    """What a create, update or patch is asked for."""

    dry_run: bool = False
    field_manager: str = ""
    field_validation: Literal["Ignore", "Strict", "Warn"] = "Warn"
    force: bool | None = None

    @classmethod
    def of(
        cls, request: Request, kind: Literal["CreateOptions", "UpdateOptions", "PatchOptions"], *, apply: bool = False
    ) -> "WriteOptions":
        """The options of a request. Raises ApiError (422)."""
        query = request.query
        if not query and not apply:
            return _PLAIN_WRITE
        errors = Errors()
        dry_run = dry_run_of([query["dryRun"]] if query.get("dryRun") else [], errors)
        manager = query.get("fieldManager", "")
        if len(manager) > MANAGER_LIMIT_CHARS:
            errors.too_long("fieldManager", MANAGER_LIMIT_CHARS)
        for i, char in enumerate(manager):
            if not char.isprintable():
                errors.invalid("fieldManager", manager, f"invalid character U+{ord(char):04X} (at position {i})")
        validation = query.get("fieldValidation", "") or "Warn"
        if validation not in FIELD_VALIDATIONS:
            errors.unsupported("fieldValidation", validation, ("", *FIELD_VALIDATIONS))
        force = is_true(query["force"]) if "force" in query else None
        if apply and not manager:
            errors.required("fieldManager", "is required for apply patch")
        if not apply and force is not None and kind == "PatchOptions":
            errors.forbidden("force", "may not be specified for non-apply patch")
        if errors:
            raise _refuse(kind, errors)
        return cls(dry_run, manager, validation, force)  # type: ignore[arg-type]


_PLAIN_WRITE = WriteOptions()


def dry_run_of(values: list[str], errors: Errors) -> bool:
    """Whether it is a dry run; what is neither that nor nothing is an error."""
    if values and values != ["All"]:
        errors.unsupported("dryRun", values, ("All",))
    return bool(values)
