import pytest

from corral.node.volumes.content import VolumeError
from corral.node.volumes.hostpath import prepare


def test_what_may_be_made_is_made(tmp_path):
    assert prepare({"path": str(tmp_path / "d/e"), "type": "DirectoryOrCreate"}).is_dir()
    assert prepare({"path": str(tmp_path / "f"), "type": "FileOrCreate"}).is_file()


@pytest.mark.parametrize(
    ("kind", "complaint"), [("Directory", "is not a directory"), ("File", "is not a file"), ("Socket", "is not a socket")]
)
def test_what_is_not_there_or_of_another_kind_is_refused(tmp_path, kind, complaint):
    with pytest.raises(VolumeError, match=complaint):
        prepare({"path": str(tmp_path / "none"), "type": kind})


def test_no_type_takes_what_there_is(tmp_path):
    (tmp_path / "f").touch()
    assert prepare({"path": str(tmp_path / "f")}).is_file()
    assert prepare({"path": str(tmp_path), "type": ""}) == tmp_path
