"""Output files are whole or not there: full disks, limits, and processes killed in the middle."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.diagnostics import ArchError
from archdsl.text.output import write

LIMITED = """
import resource, sys
from pathlib import Path
from archdsl.diagnostics import ArchError
from archdsl.text.output import write
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write(Path(sys.argv[1]), bytes(5000))
except ArchError as error:
    sys.exit(str(error))
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from archdsl import writing
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os, sys.argv[2], die)
writing.write(Path(sys.argv[1]), b"new" * 100_000)
"""


@pytest.fixture(params=[None, b"old"], ids=["new", "replaced"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, bytes]:
    """What is in the folder before something is written, by name."""
    if request.param is not None:
        (tmp_path / "net.onnx").write_bytes(request.param)
    return contents(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


def test_what_is_written_is_there_whole(before: dict[str, bytes], tmp_path: Path) -> None:
    assert write(tmp_path / "net.onnx", b"new") == 3
    assert contents(tmp_path) == {"net.onnx": b"new"}


def test_a_limit_leaves_everything_as_it_was(before: dict[str, bytes], tmp_path: Path) -> None:
    done = run(LIMITED, str(tmp_path / "net.onnx"))
    assert done.returncode == 1
    assert done.stderr.strip() == f"error: cannot write {tmp_path / 'net.onnx'}: File too large"
    assert contents(tmp_path) == before


@pytest.mark.parametrize("moment", ["fsync", "link", "chmod"])
def test_killed_processes_leave_nothing(
    moment: str, before: dict[str, bytes], tmp_path: Path
) -> None:
    if not hasattr(os, "O_TMPFILE"):
        pytest.skip("only Linux has files without names")
    if moment == "chmod" and not before:
        pytest.skip("new files have the permissions they are made with")
    done = run(KILLED, str(tmp_path / "net.onnx"), moment)
    assert done.returncode == -signal.SIGKILL
    hidden = {name for name in contents(tmp_path) if name.startswith(".net.onnx.")}
    # Between the two names that it gets, a file has the hidden one, but is whole.
    assert len(hidden) == (moment == "chmod")
    assert all((tmp_path / name).read_bytes() == b"new" * 100_000 for name in hidden)
    assert {k: v for k, v in contents(tmp_path).items() if k not in hidden} == before


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_killed_processes_without_files_that_have_no_name(
    moment: str, before: dict[str, bytes], tmp_path: Path
) -> None:
    """What other systems leave behind is hidden, and never has the name that was asked for."""
    code = f"import os; os.__dict__.pop('O_TMPFILE', None)\n{KILLED}"
    assert run(code, str(tmp_path / "net.onnx"), moment).returncode == -signal.SIGKILL
    left = contents(tmp_path)
    assert {name: content for name, content in left.items() if name[0] != "."} == before
    assert len(left) == len(before) + 1


def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a small disk")
    try:
        write(disk / "net.onnx", b"old")
        with pytest.raises(ArchError, match="No space left on device"):
            write(disk / "net.onnx", bytes(200_000))
        assert contents(disk) == {"net.onnx": b"old"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(("had", "has"), [(None, 0o640), (0o604, 0o604)])
def test_permissions_are_those_of_any_file(had: int | None, has: int, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    if had is not None:
        path.touch()
        path.chmod(had)
    mask = os.umask(0o027)
    try:
        write(path, b"new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == has


def test_contents_are_not_copied(tmp_path: Path) -> None:
    """The memory at the peak is that of the content, not twice as much."""
    code = """
import resource, sys
from pathlib import Path
from archdsl.text.output import write
content = bytes(1) * 200_000_000
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write(Path(sys.argv[1]), content)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    kilobytes = int(run(code, str(tmp_path / "net.onnx")).stdout)
    assert kilobytes < 20_000
