"""File paths in objects: relative, without steps back."""

from corral.api.fields import Errors, Path


def check_no_backsteps(errs: Errors, value: str, path: Path) -> None:
    """No `..` between the slashes."""
    if ".." in value.split("/"):
        errs.invalid(path, value, "must not contain '..'")


def check_descending(errs: Errors, value: str, path: Path) -> None:
    """A relative path that stays below where it starts."""
    if value.startswith("/"):
        errs.invalid(path, value, "must be a relative path")
    check_no_backsteps(errs, value, path)


def check_not_reserved(errs: Errors, value: str, path: Path) -> None:
    """A descending path whose first part does not begin with `..` (the atomic writer's own names do)."""
    check_descending(errs, value, path)
    if value.startswith("..") and not value.startswith("../"):
        errs.invalid(path, value, "must not start with '..'")
