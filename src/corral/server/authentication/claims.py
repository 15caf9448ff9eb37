"""From the claims of a verified token to a user, as an issuer's configuration says. Pure.

Expressions see `claims`, and in the rules about users `user` (CEL; https://kubernetes.io/docs/reference/using-api/cel/).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from corral.base.errors import CorralError
from corral.server.authentication.configuration import Check, Issuer, Source
from corral.server.authentication.verdicts import InvalidTokenError
from corral.server.request import User

if TYPE_CHECKING:
    from corral.api.cel import Environment, Program

EMAIL = "email"
EMAIL_VERIFIED = "email_verified"


class ClaimMapper:
    """Makes users of one issuer's claims."""

    def __init__(self, issuer: Issuer) -> None:
        """Compile the issuer's expressions. Raises CorralError for one that is wrong."""
        self._issuer = issuer
        self._programs: dict[str, Program] = {}
        sources = (issuer.username, issuer.groups, issuer.uid)
        of_claims = [source.expression for source in sources] + [expression for _, expression in issuer.extra]
        of_claims += [check.expression for check in issuer.claim_checks]
        of_users = [check.expression for check in issuer.user_checks]
        if any(of_claims) or any(of_users):
            # Only where there are expressions: the language is a large part of the server.
            from corral.api import cel

            claims = cel.Environment({"claims": cel.map_of(cel.STRING, cel.DYN)})
            users = cel.Environment({"user": cel.DYN})
            for environment, expressions in ((claims, of_claims), (users, of_users)):
                for expression in filter(None, expressions):
                    self._programs[expression] = _compiled(environment, expression, issuer.url)

    def user(self, claims: Mapping[str, Any]) -> User:
        """The user. Raises InvalidTokenError where a claim is missing, of the wrong type, or breaks a rule."""
        issuer = self._issuer
        for check in issuer.claim_checks:
            self._check(check, claims, {"claims": claims})
        name = self._text(issuer.username, claims, "username")
        if not name:
            raise InvalidTokenError("the username is empty")
        groups = tuple(self._texts(issuer.groups, claims, "groups")) if issuer.groups else ()
        uid = self._text(issuer.uid, claims, "uid") if issuer.uid else ""
        extra = {}
        for key, expression in issuer.extra:
            values = _strings(self._evaluate(expression, {"claims": claims}), f"extra {key}")
            if values:
                extra[key] = tuple(values)
        user = User(name, uid, groups, extra)
        if issuer.user_checks:
            shown = {
                "username": name,
                "uid": uid,
                "groups": list(groups),
                "extra": {key: list(values) for key, values in extra.items()},
            }
            for check in issuer.user_checks:
                self._check(check, claims, {"user": shown})
        return user

    def _check(self, check: Check, claims: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        if check.claim:
            if claims.get(check.claim) != check.required:
                raise InvalidTokenError(f"the claim {check.claim} is not as required")
        elif self._evaluate(check.expression, variables) is not True:
            raise InvalidTokenError(check.message or f"failed: {check.expression}")

    def _text(self, source: Source, claims: Mapping[str, Any], what: str) -> str:
        if source.expression:
            value = self._evaluate(source.expression, {"claims": claims})
        else:
            value = claims.get(source.claim)
            verified = claims.get(EMAIL_VERIFIED, True)
            if what == "username" and source.claim == EMAIL and verified is not True:
                raise InvalidTokenError("the email address is not verified")
        if not isinstance(value, str):
            raise InvalidTokenError(f"the {what} is missing or no text")
        return source.prefix + value if value else ""

    def _texts(self, source: Source, claims: Mapping[str, Any], what: str) -> list[str]:
        value = self._evaluate(source.expression, {"claims": claims}) if source.expression else claims.get(source.claim)
        return [source.prefix + text for text in _strings(value, what)]

    def _evaluate(self, expression: str, variables: Mapping[str, Any]) -> Any:
        from corral.api import cel

        try:
            return self._programs[expression].evaluate(variables)
        except cel.EvaluationError as error:
            raise InvalidTokenError(f"{expression}: {error}") from error


def _compiled(environment: "Environment", expression: str, issuer: str) -> "Program":
    from corral.api import cel

    try:
        return environment.compile(expression)
    except cel.CompileError as error:
        raise CorralError(f"the issuer {issuer} has an expression that is wrong: {error}", "correct it") from error


def _strings(value: Any, what: str) -> list[str]:
    """A text or a list of texts; nothing for null and what is empty."""
    if value is None or value == "":
        return []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise InvalidTokenError(f"{what}: neither a text nor a list of texts")
    return [text for text in values if text]
