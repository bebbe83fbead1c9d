"""Numbers with their units, tables, and the machine's memory, by hand."""

import os
import stat
from pathlib import Path

import pytest

from archdsl.diagnostics import ArchError
from archdsl.text import machine
from archdsl.text.input import read_whole
from archdsl.text.machine import free_memory
from archdsl.text.output import make_folder, write
from archdsl.text.tables import Table, text_table
from archdsl.text.words import memory


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234, "1.23 kB"), (12_345, "12.3 kB"),
        (99_940, "99.9 kB"), (123_456, "123 kB"), (999_400, "999 kB"), (999_600, "1 MB"),
        (1_000_000, "1 MB"), (1_230_000, "1.23 MB"), (999_400_000, "999 MB"),
        (999_600_000, "1.00 GB"), (1_000_000_000, "1.00 GB"), (1_234_000_000_000, "1234.00 GB"),
    ],
)  # fmt: skip
def test_sizes_in_the_unit_that_suits_them(size: int, words: str) -> None:
    assert memory(size) == words


@pytest.mark.parametrize(("count", "left_out"), [(1, 0), (60, 0), (61, 1), (75, 15)])
def test_long_tables_leave_out_their_middle(count: int, left_out: int) -> None:
    rows = [[f"row {number}", str(number)] for number in range(count)]
    table = Table([("name", "left"), ("n", "right")], rows, ["all", str(count)])
    heading, rule, *lines, again, total = text_table(table).splitlines()
    assert rule == again
    assert set(rule) == {"-", " "}
    shown = rows if not left_out else [*rows[:30], [f"... {left_out} more", ""], *rows[-30:]]
    assert [line.split("  ")[0] for line in lines] == [name for name, _ in shown]
    first, second = map(len, rule.split("  "))
    assert first == max(len(name) for name, _ in [("name", ""), ("all", ""), *shown])
    every = [["name", "n"], *shown, table.totals]
    for line, (name, number) in zip([heading, *lines, total], every, strict=True):
        assert line == f"{name:<{first}}  {number:>{second}}".rstrip()


@pytest.mark.parametrize(
    ("most", "used", "free"), [("1000", "400", 600), ("400", "1000", 0), ("max", "400", None)]
)
def test_a_container_has_no_more_memory_than_it_may_take(
    most: str, used: str, free: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text(f"{most}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    found = free_memory()
    if free is not None:
        assert found == free
    elif Path("/proc/meminfo").exists():
        assert found is not None
        assert 0 < found <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert found > 2**20  # kilobytes are not taken for bytes


def test_a_file_that_is_written_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    wanted = stat.S_IMODE((tmp_path / "other").stat().st_mode)
    write(tmp_path / "new", b"x")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == wanted
    (tmp_path / "new").chmod(0o751)
    assert write(tmp_path / "new", b"xy") == 2
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o751
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "other"]
    assert (tmp_path / "new").read_bytes() == b"xy"


def test_a_folder_is_made_with_those_around_it_and_may_be_there(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b").is_dir()


def test_a_file_has_no_name_before_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        os.close(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY))
    except (AttributeError, OSError):
        pytest.skip("this file system has no files without a name")
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("it had a name"))
    assert write(tmp_path / "new", b"whole") == 5
    monkeypatch.undo()
    assert (tmp_path / "new").read_bytes() == b"whole"


@pytest.mark.parametrize(
    ("name", "message", "code"),
    [("none", "No such file or directory", "E406"), (".", "Is a directory", "E407")],
)
def test_what_cannot_be_read_whole(name: str, message: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(ArchError, match=message) as caught:
        read_whole(tmp_path / name)
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize(("free", "fits"), [(200, True), (199, False)])
def test_reading_takes_twice_the_size_of_a_file(
    free: int, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hundred").write_bytes(b"x" * 100)
    monkeypatch.setattr("archdsl.text.input.free_memory", lambda: free)
    if fits:
        assert read_whole(tmp_path / "hundred") == b"x" * 100
        return
    with pytest.raises(ArchError, match="reading takes 2 times as much") as caught:
        read_whole(tmp_path / "hundred")
    assert caught.value.diagnostics[0].code == "E409"
