"""Who may use an image that is present (KEP-2535)."""

import pytest

from corral.node import pullrecords
from corral.node.pullcredentials import Credential
from corral.node.pullrecords import PullRecords

IMAGE, NAME = "sha256:1", "reg.example.com/team/app:1"
MINE = Credential({"username": "me", "password": "s3cret"}, "d/mine/1")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pulls"


@pytest.fixture
def records(folder):
    made = PullRecords(folder)
    fetch(made, IMAGE)
    return made


def fetch(records, image):
    records.begin(NAME)
    records.end(NAME, image, MINE)


def full(*_, **__):
    raise OSError("the disk is full")


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


def test_it_outlives_the_agent_and_says_no_secrets(records, folder):
    assert PullRecords(folder).may_use(IMAGE, NAME, [MINE]) and not PullRecords(folder).may_use(IMAGE, NAME, [])
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) == 2
    for path in written:
        assert "s3cret" not in path.read_text() and path.stat().st_mode & 0o777 == 0o600


def test_an_agent_that_is_killed_while_it_fetches_takes_nothing_for_granted(records, folder):
    records.begin("private:1")
    assert not PullRecords(folder).may_use("sha256:3", "private:1", [])


def test_a_fetch_that_failed_leaves_nothing(records):
    records.begin("private:1")
    records.end("private:1")
    assert records.may_use("sha256:3", "private:1", [])


def test_images_that_are_gone_are_forgotten(records, folder):
    fetch(records, "sha256:2")
    fetch(records, "sha256:3")
    known = records.known()
    fetch(records, "sha256:new")
    records.keep_only(["sha256:2"], known)
    records.forget("sha256:3")
    left = PullRecords(folder)
    assert [left.is_fetched(image) for image in (IMAGE, "sha256:2", "sha256:3", "sha256:new")] == [False, True, False, True]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"image":"sha256:2"}', b'{"image":"sha256:1","names":3}']
)
def test_a_damaged_record_lets_nobody_in(records, folder, damage):
    """That the image was fetched is known; with whose credentials it was, is not."""
    fetch(records, "sha256:2")
    for path in (folder / "pulled").iterdir():
        if IMAGE in path.read_text():
            path.write_bytes(damage)
    left = PullRecords(folder)
    assert left.is_fetched(IMAGE) and not left.may_use(IMAGE, NAME, [MINE]) and not left.may_use(IMAGE, NAME, [])
    # Other images are as they were, those too that somebody has put there by hand.
    assert left.may_use("sha256:2", NAME, [MINE]) and left.may_use("sha256:4", NAME, [])
    # Whoever fetches it again has it, and that is remembered.
    fetch(left, IMAGE)
    assert PullRecords(folder).may_use(IMAGE, NAME, [MINE])


@pytest.mark.parametrize("damage", [None, b"", b"00", b"xyz", b"\xff\xfe"])
def test_without_the_key_only_secrets_known_by_name_open(records, folder, damage):
    (folder / "key").unlink() if damage is None else (folder / "key").write_bytes(damage)
    left = PullRecords(folder)
    assert not left.may_use(IMAGE, NAME, [Credential(MINE.auth, "other/copy/9")])
    assert left.may_use(IMAGE, NAME, [MINE])
    assert PullRecords(folder).may_use(IMAGE, NAME, [Credential(MINE.auth, "other/copy/9")])


def test_a_damaged_note_of_a_beginning_still_is_one(records, folder):
    records.begin("private:1")
    (begun,) = (folder / "begun").iterdir()
    begun.write_bytes(b"\0")
    assert not PullRecords(folder).may_use("sha256:3", "private:1", [])


def test_what_cannot_be_remembered_stays_begun(records, folder, monkeypatch):
    records.begin("private:1")
    monkeypatch.setattr(pullrecords, "replace", full)
    records.end("private:1", "sha256:3", MINE)
    assert not PullRecords(folder).may_use("sha256:3", "private:1", [])
    with pytest.raises(OSError, match="full"):
        records.begin("other:1")
