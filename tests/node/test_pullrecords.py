"""Who may use an image that is present (KEP-2535)."""

import pytest

from corral.node.pullcredentials import Credential
from corral.node.pullrecords import PullRecords

IMAGE, NAME = "sha256:1", "reg.example.com/team/app:1"
MINE = Credential({"username": "me", "password": "s3cret"}, "d/mine/1")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "pulls.json"


@pytest.fixture
def records(file):
    made = PullRecords(file)
    made.begin(NAME)
    made.end(NAME, IMAGE, MINE)
    return made


def test_an_image_that_the_node_did_not_fetch_is_everybodys(records):
    assert records.may_use("sha256:2", NAME, [])
    assert not records.is_fetched("sha256:2") and records.is_fetched(IMAGE)


def test_the_same_words_in_another_secret_will_do(records):
    copied = Credential(MINE.auth, "other/copy/9")
    assert records.may_use(IMAGE, NAME, [copied])
    # From then on that secret is known, whatever it says.
    assert records.may_use(IMAGE, NAME, [Credential({"username": "me", "password": "new"}, copied.secret)])


def test_neither_other_words_in_another_secret_nor_another_name(records):
    assert not records.may_use(IMAGE, NAME, [Credential({"username": "me", "password": "guess"}, "other/s/2")])
    assert not records.may_use(IMAGE, NAME, [])
    assert not records.may_use(IMAGE, "reg.example.com/other/app:1", [MINE])


def test_any_tag_and_digest_of_a_name_will_do(records):
    assert records.may_use(IMAGE, "reg.example.com/team/app:2", [MINE])
    assert records.may_use(IMAGE, "reg.example.com/team/app@sha256:00", [MINE])


def test_it_outlives_the_agent_and_says_no_secrets(records, file):
    assert PullRecords(file).may_use(IMAGE, NAME, [MINE]) and not PullRecords(file).may_use(IMAGE, NAME, [])
    assert "s3cret" not in file.read_text() and file.stat().st_mode & 0o777 == 0o600


def test_an_agent_that_is_killed_while_it_fetches_takes_nothing_for_granted(records, file):
    records.begin("private:1")
    assert not PullRecords(file).may_use("sha256:3", "private:1", [])


def test_a_fetch_that_failed_leaves_nothing(records):
    records.begin("private:1")
    records.end("private:1")
    assert records.may_use("sha256:3", "private:1", [])


def test_images_that_are_gone_are_forgotten(records, file):
    records.keep_only(["sha256:2"])
    assert not PullRecords(file).is_fetched(IMAGE)


def test_a_damaged_file_is_no_end(file):
    file.write_text("{")
    assert PullRecords(file).may_use(IMAGE, NAME, [])
