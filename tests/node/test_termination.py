from corral.node.termination import termination_message


def test_the_file_wins(tmp_path):
    (tmp_path / "m").write_text("bye")
    assert termination_message(tmp_path / "m", tmp_path / "none", from_log=True) == "bye"


def test_only_its_last_4096_bytes(tmp_path):
    (tmp_path / "m").write_text("x" * 5000)
    assert len(termination_message(tmp_path / "m", tmp_path / "none", from_log=False)) == 4096


def test_the_log_stands_in_where_it_may(tmp_path):
    (tmp_path / "m").touch()
    (tmp_path / "log").write_text("2026-01-02T03:04:05Z stderr F boom\n")
    assert termination_message(tmp_path / "m", tmp_path / "log", from_log=True) == "boom\n"
    assert termination_message(tmp_path / "m", tmp_path / "log", from_log=False) == ""
