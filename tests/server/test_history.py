"""Histories under kill -9: no acknowledged write is lost, no event of a watch is lost, repeated or out of order, and what
clients saw can be put into one order. HISTORY_KILLS=200 pytest tests/server/test_history.py for a long run.
"""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.server.linearizability import Call, Event, check_calls, check_list, check_watch

from corral.testing.cluster import admin_tls, free_port

KILLS = int(os.environ.get("HISTORY_KILLS", "3"))
SEED = int(os.environ.get("HISTORY_SEED", "1"))
WRITERS = 4
CALLS_A_LIFE = 150
#: An event is heard of this much after it happened, at most.
UNHEARD_S = 2.0
NAMES = ("a", "b", "c")
PATH = "/api/v1/namespaces/default/configmaps"
LABELS = {"of": "history"}

pytestmark = pytest.mark.server


class Server:
    """The process, which is killed and started again."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        program = Path(__file__).parent / "history_server.py"
        command = [sys.executable, str(program), str(self._data_dir), str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def tls(self) -> ssl.SSLContext:
        return admin_tls(self._data_dir / "pki")


class Client:
    """Calls over one connection; None where the server is away."""

    def __init__(self, server: Server, tls: ssl.SSLContext) -> None:
        self._server, self._tls = server, tls
        self._kept: http.client.HTTPSConnection | None = None

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any] | None:
        try:
            if self._kept is None:
                self._kept = http.client.HTTPSConnection("127.0.0.1", self._server.port, context=self._tls, timeout=20)
            data = None if body is None else json.dumps(body)
            self._kept.request(method, path, data, {"Content-Type": "application/json"})
            response = self._kept.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            return None

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class Story:
    """What all threads write down."""

    def __init__(self, server: Server) -> None:
        self.server, self.tls = server, server.tls()
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.lists: list[tuple[int, dict[str, tuple[int, str]]]] = []
        self.faults: list[str] = []

    def wait_for(self, calls: int) -> None:
        """Wait until so many more calls were answered."""
        until, deadline_s = self.answered + calls, time.monotonic() + 30
        while self.answered < until:
            assert time.monotonic() < deadline_s, "the server does not answer"
            time.sleep(0.005)

    # Who acts

    def write(self, number: int) -> None:
        """Create, update, delete and get, at random, with the revision last seen."""
        random, client, known, serial = Random(SEED * 100 + number), Client(self.server, self.tls), {}, 0
        while not self.over.is_set():
            name = random.choice(NAMES)
            kind = random.choice(("create", "update", "update", "delete", "get", "get"))
            if kind in ("update", "delete") and name not in known:
                kind = "get"
            serial += 1
            call = Call(
                kind, name, 0, 0, "unknown", known.get(name, 0) if kind in ("update", "delete") else 0, 0, f"{number}-{serial}"
            )
            call = self._do(client, call)
            if call.outcome == "ok" and kind != "delete":
                known[name] = call.revision
            elif call.outcome != "ok":
                known.pop(name, None)
            with self.lock:
                self.calls.append(call)
                self.answered += call.outcome != "unknown"
            if call.outcome == "unknown":
                time.sleep(0.05)
        client.close()

    def _do(self, client: Client, call: Call) -> Call:
        meta = {"name": call.name, "labels": LABELS}
        body: Any = {"metadata": meta, "data": {"v": call.value}}
        path = f"{PATH}/{call.name}"
        began_s = time.monotonic()
        if call.kind == "create":
            answer = client.call("POST", PATH, body)
        elif call.kind == "update":
            answer = client.call("PUT", path, {**body, "metadata": {**meta, "resourceVersion": str(call.expected)}})
        elif call.kind == "delete":
            answer = client.call("DELETE", path, {"preconditions": {"resourceVersion": str(call.expected)}})
        else:
            answer = client.call("GET", path)
        call = replace(call, began_s=began_s, ended_s=time.monotonic())
        if answer is None:
            return call
        code, found = answer
        if code == 404:
            return replace(call, outcome="absent")
        if code == 409:
            return replace(call, outcome="exists" if call.kind == "create" else "conflict")
        if code >= 400:
            self.faults.append(f"{call}: {code} {found}")
            return call
        if call.kind == "delete":
            return replace(call, outcome="ok")
        return replace(call, outcome="ok", revision=int(found["metadata"]["resourceVersion"]), value=found["data"]["v"])

    def watch(self, start: str) -> None:
        """Follow all changes; where the stream breaks, go on from the last revision."""
        revision, self.heard_s = start, time.monotonic()
        while not self.over.is_set() or not self._is_done():
            connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.tls, timeout=20)
            query = {
                "watch": "true",
                "labelSelector": "of=history",
                "resourceVersion": revision,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": "2",
            }
            try:
                connection.request("GET", f"{PATH}?{urlencode(query)}")
                response = connection.getresponse()
                if response.status == 410:
                    revision = self._list_again(revision)
                    continue
                if response.status != 200:
                    self.faults.append(f"the watch was refused: {response.status} {response.read()!r}")
                    return
                while line := response.readline():
                    if not line.endswith(b"\n"):
                        break  # the server was killed in the middle of it
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        if event["object"]["code"] != 410:
                            self.faults.append(f"the watch ended with {event}")
                            return
                        revision = self._list_again(revision)
                        break
                    self.heard_s = time.monotonic()
                    meta = event["object"]["metadata"]
                    revision = meta["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self.events.append(Event(event["type"], meta["name"], int(revision), event["object"]["data"]["v"]))
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
            finally:
                connection.close()

    def _list_again(self, revision: str) -> str:
        """What a client does whose revision a restarted server does not know any more; the revision to go on from."""
        client = Client(self.server, self.tls)
        while (answer := client.call("GET", f"{PATH}?{urlencode({'labelSelector': 'of=history'})}")) is None:
            time.sleep(0.02)  # it is being started again
        client.close()
        listed = answer[1]
        items = {i["metadata"]["name"]: (int(i["metadata"]["resourceVersion"]), i["data"]["v"]) for i in listed["items"]}
        now: str = listed["metadata"]["resourceVersion"]
        if int(now) < int(revision):
            self.faults.append(f"a list at {now} after an event at {revision}")
        self.events.append(Event("GAP", "", int(now), "", items, self.heard_s - UNHEARD_S, time.monotonic()))
        return now

    def _is_done(self) -> bool:
        """Whether the watch has seen the last write there was."""
        return bool(self.final) and (not self.events or self.events[-1].revision >= self.final[0])

    final: tuple[int, ...] = ()
    answered = 0
    #: When the watch last heard of something.
    heard_s = 0.0

    def list(self) -> None:
        """Lists, now and then, whole or in chunks."""
        client, random = Client(self.server, self.tls), Random(SEED)
        while not self.over.is_set():
            items: dict[str, tuple[int, str]] = {}
            token, revision = "", 0
            while True:
                query = {
                    "labelSelector": "of=history",
                    **({"limit": 1} if random.random() < 0.5 or token else {}),
                    **({"continue": token} if token else {}),
                }
                answer = client.call("GET", f"{PATH}?{urlencode(query)}")
                if answer is None or answer[0] != 200:
                    items = {}
                    revision = 0
                    if answer is not None and answer[0] != 410:
                        self.faults.append(f"a list was refused: {answer}")
                    break
                page = answer[1]
                revision = int(page["metadata"]["resourceVersion"])
                for item in page["items"]:
                    items[item["metadata"]["name"]] = (int(item["metadata"]["resourceVersion"]), item["data"]["v"])
                token = page["metadata"].get("continue", "")
                if not token:
                    break
            if revision:
                self.lists.append((revision, items))
            time.sleep(0.01)
        client.close()


def test_histories_survive_kills(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    story, random = Story(server), Random(SEED)
    first = Client(server, story.tls).call("GET", PATH)
    assert first is not None
    watching = threading.Thread(target=story.watch, args=(first[1]["metadata"]["resourceVersion"],), daemon=True)
    acting = [threading.Thread(target=story.write, args=(i,), daemon=True) for i in range(WRITERS)] + [
        threading.Thread(target=story.list, daemon=True)
    ]
    for thread in (watching, *acting):
        thread.start()
    try:
        for _ in range(KILLS):
            story.wait_for(CALLS_A_LIFE)
            time.sleep(random.uniform(0, 0.3))
            server.kill()
            server.start()
        story.wait_for(CALLS_A_LIFE)
    finally:
        story.over.set()
        for thread in acting:
            thread.join(30)
        # A write of which nobody heard may be the last: what is there now is where the watch must come to.
        last = Client(server, story.tls).call(
            "POST", PATH, {"metadata": {"name": "last", "labels": LABELS}, "data": {"v": "last"}}
        )
        story.final = (int(last[1]["metadata"]["resourceVersion"]),) if last is not None and last[0] == 201 else (0,)
        watching.join(30)
        server.kill()
    assert story.final[0] and not watching.is_alive()
    story.calls.append(Call("create", "last", 0, 0, "unknown", value="last"))
    faults = [*story.faults, *check_watch(story.events, story.calls), *check_calls(story.events, story.calls)]
    for revision, items in story.lists:
        faults += check_list(story.events, revision, items)
    counts = {outcome: sum(c.outcome == outcome for c in story.calls) for outcome in ("ok", "conflict", "absent", "unknown")}
    assert not faults, "\n".join(faults[:10])
    # Otherwise this test has seen nothing.
    assert counts["ok"] > 100 and len(story.events) > 20 and len(story.lists) > 3, counts
    print(counts, len(story.events), len(story.lists))


GOOD = (
    [Event("ADDED", "a", 1, "x"), Event("MODIFIED", "a", 2, "y"), Event("DELETED", "a", 3, "y")],
    [
        Call("create", "a", 0, 1, "ok", 0, 1, "x"),
        Call("get", "a", 1, 2, "ok", 0, 1, "x"),
        Call("update", "a", 2, 3, "ok", 1, 2, "y"),
        Call("update", "a", 2, 4, "conflict", 1, 0, "z"),
        Call("delete", "a", 5, 6, "ok", 2),
        Call("get", "a", 6, 7, "absent"),
    ],
)


def test_a_good_history_is_found_good() -> None:
    assert [*check_watch(*GOOD), *check_calls(*GOOD), *check_list(GOOD[0], 2, {"a": (2, "y")})] == []


@pytest.mark.parametrize(
    ("events", "calls", "what"),
    [
        ([GOOD[0][0], GOOD[0][2]], GOOD[1], "acknowledged"),
        ([*GOOD[0][:2], GOOD[0][1], GOOD[0][2]], GOOD[1], "came after revision"),
        ([GOOD[0][0], replace(GOOD[0][1], value="w"), GOOD[0][2]], GOOD[1], "nobody wrote"),
        (GOOD[0], [*GOOD[1], Call("get", "a", 3.5, 4, "ok", 0, 1, "x")], "no state of that time explains it"),
        (GOOD[0], [*GOOD[1], Call("get", "a", 1.2, 1.5, "absent")], "no state of that time explains it"),
        (GOOD[0], [*GOOD[1][:2], replace(GOOD[1][2], expected=7), *GOOD[1][3:]], "replaced revision 1, not 7"),
        (GOOD[0], [*GOOD[1], Call("update", "a", 3.5, 4, "conflict", 2)], "no state of that time explains it"),
        (GOOD[0], [replace(GOOD[1][0], began_s=3.5, ended_s=4), *GOOD[1][1:]], "had ended"),
    ],
)
def test_a_bad_history_is_found_out(events: list[Event], calls: list[Call], what: str) -> None:
    assert what in "\n".join([*check_watch(events, calls), *check_calls(events, calls)])


def test_a_list_of_two_moments_is_found_out() -> None:
    assert list(check_list(GOOD[0], 2, {"a": (1, "x")}))
