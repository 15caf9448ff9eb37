"""Conversion webhooks: custom resources in another of their versions, by HTTPS servers that the definition names.

Reads, lists and watches show bytes without waiting. So whoever is about to show objects awaits `prepare` first: what is not
yet in the version wanted is sent to the webhook, many objects in one review, and the outcome is kept with the cached object for
as long as that lives. A second watcher or reader finds it there.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import orjson

from corral.api.errors import ApiError
from corral.api.fields import Errors, Path
from corral.api.metadata import validate_annotations, validate_labels
from corral.api.objects import Object
from corral.server.changes import Cached
from corral.server.webhookclient import CallError, Target, WebhookClient, target_of

GROUP = "apiextensions.k8s.io"
REVIEW_VERSIONS = ("v1", "v1beta1")
TIMEOUT_S = 30.0
#: A review holds no more than so many objects, and about so many bytes.
OBJECTS_AT_ONCE = 500
BYTES_AT_ONCE = 4 * 1024 * 1024
#: Of writes that wait for each other's answers no more than a few are on their way at once.
KEPT_ANSWERS = 64


class _Head(msgspec.Struct):
    apiVersion: str = ""  # noqa: N815


_decode_head = msgspec.json.Decoder(_Head).decode


def api_version_of(raw: bytes) -> str:
    """The apiVersion of an object's bytes."""
    return _decode_head(raw).apiVersion


class UnconvertedError(Exception):
    """An object is needed in another version, and nobody has asked the webhook yet: await `convert`, and try again."""

    def __init__(self, webhook: "ConversionWebhook", obj: Object, api_version: str) -> None:
        super().__init__(api_version)
        self._needed = webhook, obj, api_version

    async def convert(self) -> None:
        """Ask the webhook. Raises ApiError (500)."""
        webhook, obj, api_version = self._needed
        await webhook.learn(obj, api_version)


class ConversionWebhook:
    """The webhook of one definition as it is now."""

    def __init__(self, client: WebhookClient, conversion: Object) -> None:
        webhook = conversion.get("webhook") or {}
        self._client = client
        self._target: Target = target_of(webhook.get("clientConfig") or {})
        versions = webhook.get("conversionReviewVersions") or ()
        self._version = next((version for version in versions if version in REVIEW_VERSIONS), "")
        #: What was answered about the objects of writes that are on their way.
        self._answers: dict[tuple[bytes, str], Object] = {}
        self._pending: dict[tuple[Cached, str], asyncio.Future[None]] = {}

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """`objects` (of one kind, in other versions) in `api_version`; they stay. Raises ApiError (500)."""
        intro = f"conversion webhook for {objects[0]['apiVersion']}, Kind={objects[0]['kind']}"
        if not self._version:
            raise _failed(f"{intro} failed: no supported ConversionReview version is offered")
        uid = str(uuid.uuid4())
        asked = {
            "kind": "ConversionReview",
            "apiVersion": f"{GROUP}/{self._version}",
            "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": objects},
        }
        try:
            answer = await self._client.post(self._target, orjson.dumps(asked), TIMEOUT_S)
            converted = _answered(answer, uid, self._version)
        except (CallError, ValueError) as error:
            raise _failed(f"{intro} failed: {error}") from None
        if len(converted) != len(objects):
            raise _failed(f"{intro} returned {len(converted)} objects, expected {len(objects)}")
        made = []
        for i, (original, one) in enumerate(zip(objects, converted, strict=True)):
            try:
                made.append(_accepted(original, one, api_version))
            except ValueError as error:
                raise _failed(f"{intro} returned invalid converted object at index {i}: {error}") from None
        return made

    def known(self, obj: Object, api_version: str) -> Object:
        """`obj` in `api_version`, for callers that cannot wait. Raises UnconvertedError where that has not been asked yet."""
        key = orjson.dumps(obj), api_version
        made = self._answers.get(key)
        if made is None:
            raise UnconvertedError(self, obj, api_version)
        return made

    async def learn(self, obj: Object, api_version: str) -> None:
        """Ask what `known` says from then on. Raises ApiError (500)."""
        key = orjson.dumps(obj), api_version
        if len(self._answers) >= KEPT_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = (await self.convert([obj], api_version))[0]

    def found(self, item: Cached, api_version: str) -> Cached | None:
        """What `prepare` has kept with an item."""
        return None if item.converted is None else item.converted.get((self, api_version))

    async def prepare(self, items: Iterable[Cached], api_version: str, finish: Callable[[Object], bytes]) -> None:
        """Keep with every item its form in `api_version`, made into bytes by `finish`.

        An item that somebody else is having converted is waited for. Raises ApiError (500).
        """
        mine, others = [], set()
        for item in items:
            if self.found(item, api_version) is not None or api_version_of(item.raw) == api_version:
                continue
            pending = self._pending.get((item, api_version))
            if pending is None:
                mine.append(item)
            else:
                others.add(pending)
        for batch in _batches(mine):
            await self._prepare_batch(batch, api_version, finish)
        for pending in others:
            await asyncio.shield(pending)

    async def _prepare_batch(self, batch: list[Cached], api_version: str, finish: Callable[[Object], bytes]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda future: future.exception())  # Whether anybody waits or not.
        for item in batch:
            self._pending[item, api_version] = done
        try:
            converted = await self.convert([orjson.loads(item.raw) for item in batch], api_version)
            for item, made in zip(batch, converted, strict=True):
                kept = {key: form for key, form in (item.converted or {}).items() if key[0] is self}
                form = Cached(item.namespace, item.name, finish(made), item.revision)
                item.converted = {**kept, (self, api_version): form}
            done.set_result(None)
        except ApiError as error:
            done.set_exception(error)
            raise
        finally:
            if not done.done():
                done.set_exception(_failed("the conversion was given up by the request that had begun it"))
            for item in batch:
                self._pending.pop((item, api_version), None)


def _batches(items: list[Cached]) -> Iterator[list[Cached]]:
    batch: list[Cached] = []
    size = 0
    for item in items:
        if batch and (len(batch) >= OBJECTS_AT_ONCE or size + len(item.raw) > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.raw)
    if batch:
        yield batch


def _failed(message: str) -> ApiError:
    return ApiError(500, "", message)


def _answered(answer: Any, uid: str, version: str) -> list[Any]:
    """The objects of a ConversionReview's response. Raises ValueError."""
    if not isinstance(answer, dict):
        raise ValueError("expected a ConversionReview object")
    wanted = f"{GROUP}/{version}, Kind=ConversionReview"
    got = f"{answer.get('apiVersion') or ''}, Kind={answer.get('kind') or ''}"
    if got != wanted:
        raise ValueError(f"expected webhook response of {wanted}, got {got}")
    response = answer.get("response")
    if not isinstance(response, dict):
        raise ValueError("no response provided")
    if version == "v1" and response.get("uid") != uid:
        raise ValueError(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    result = response.get("result")
    status = result.get("status", "") if isinstance(result, dict) else ""
    if status != "Success":
        message = result.get("message") if isinstance(result, dict) else ""
        raise ValueError(message or f"response.result.status was '{status}', not 'Success'")
    converted = response.get("convertedObjects")
    return converted if isinstance(converted, list) else []


def _accepted(original: Object, converted: Any, api_version: str) -> Object:
    """A converted object with the metadata of the original: only labels and annotations may change. Raises ValueError."""
    if not isinstance(converted, dict):
        raise ValueError("the object is none")
    if converted.get("apiVersion") != api_version:
        raise ValueError(f"invalid groupVersion (expected {api_version}, received {converted.get('apiVersion') or ''})")
    if converted.get("kind") != original["kind"]:
        raise ValueError(f"invalid kind (expected {original['kind']}, received {converted.get('kind') or ''})")
    meta, before = converted.get("metadata"), original["metadata"]
    if not isinstance(meta, dict):
        raise ValueError(f"invalid metadata of type {type(meta).__name__} in input object")
    for field, shown in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        if (meta.get(field) or "") != (before.get(field) or ""):
            raise ValueError(f"must have the same {shown}: {before.get(field) or ''} != {meta.get(field) or ''}")
    errors, path = Errors(), Path("metadata")
    kept = dict(before)
    for field, check in (("labels", validate_labels), ("annotations", validate_annotations)):
        kept.pop(field, None)
        found = meta.get(field)
        if found is None:
            continue
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise ValueError(f"invalid metadata: {field} are no map of strings")
        check(errors, path.child(field), found)
        if found:
            kept[field] = found
    if errors:
        raise ValueError(f"invalid metadata: {errors.to_error('', '', '').message}")
    return {**converted, "metadata": kept}


def conversion_webhook(client: WebhookClient | None, definition: Object) -> ConversionWebhook | None:
    """The webhook that converts a definition's objects; None where only their apiVersion changes."""
    conversion = definition["spec"].get("conversion") or {}
    if client is None or conversion.get("strategy") != "Webhook" or len(definition["spec"]["versions"]) < 2:
        return None
    return ConversionWebhook(client, conversion)
