"""What every command keeps for every input: an answer or one error with a code, and nothing lost.

The table in tests/README.md says what is promised; a cell names its tests.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from support.commands import run

import archdsl
from archdsl import ArchError
from archdsl.cli import options
from archdsl.text.input import read_whole
from archdsl.text.output import write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spec(text: str) -> str:
    Path("net.arch").write_text(text)
    return "net.arch"


TESTS = Path(__file__).parents[1]


def test_the_table_of_promises_names_tests_that_are_there() -> None:
    text = (TESTS / "README.md").read_text("utf-8").partition("## What is promised")[2]
    named = re.findall(r"`((?:[a-z_]+/)?test_[a-z_0-9]+)(?:\.py)?`", text)
    assert len(set(named)) > 20
    for name in named:
        assert (TESTS / ("" if "/" in name else "errors") / f"{name}.py").is_file(), name


def test_no_cell_of_the_table_is_empty() -> None:
    text = (TESTS / "README.md").read_text("utf-8").partition("## What is promised")[2]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) > 15 and {len(row) for row in rows} == {5}
    assert all(cell.strip() for row in rows for cell in row)


# ---- sizes ----

HUGE = {
    "weights": "con<1000000000,3,3,1,1,input<3,8,8>>",
    "activations": "relu<input<1,100000000,100000000>>",
    "a table of vectors": "embeddings<1000000000,64,input<1,8,8>>",
    "beyond 64 bits": "fc<9000000000000000000,input<1,8,8>>",
}


@pytest.mark.parametrize("text", HUGE.values(), ids=list(HUGE))
def test_what_does_not_fit_is_refused_before_memory_is_taken(text: str) -> None:
    assert run("check", spec(text)).exit_code == 0
    told = run("compile", "net.arch")
    assert told.exit_code == 1 and "error[E409]" in told.output
    assert "this machine has free" in told.output


def test_memory_may_be_bounded() -> None:
    told = run("compile", "lenet", "--max-memory", "100k")
    assert told.exit_code == 1 and "--max-memory allows 102 kB" in told.output
    with pytest.raises(archdsl.ArchError, match="takes more memory"):
        archdsl.load("lenet").to_torch(max_memory=100_000)
    assert run("compile", "lenet", "--max-memory", "much").exit_code == 2


LONG_AXES = {
    "upsampled": "upsample<2,2,upsample<100000000,100000000,input<1,2,2>>>",
    "resized": "resize_to<100000000,100000000,input<1,2,2>>",
    "pooled": "adaptive_avg_pool<100000000,100000000,input<1,200000000,200000000>>",
    "transposed": "cont<1,3,3,100000000,100000000,input<1,8,8>>",
    "joined": "add_prev1<upsample_nearest<65536,tag1<input<1,65536,65536>>>>",
}


@pytest.mark.parametrize("text", LONG_AXES.values(), ids=list(LONG_AXES))
def test_long_axes_take_no_memory(text: str) -> None:
    start = time.process_time()
    assert run("summary", spec(text)).exit_code == 0
    assert time.process_time() - start < 5


def test_a_detector_has_a_bounded_number_of_windows() -> None:
    text = "loss_mmod<con<1000000000000000000,9,9,1,1,input_rgb_image_pyramid<pyramid_down<6>>>>"
    told = run("check", spec(text))
    assert told.exit_code == 1 and "E316" in told.output


@pytest.mark.parametrize("number", ["18446744073709551616", "4294967296*4294967296", "1<<64"])
def test_whole_numbers_have_64_bits(number: str) -> None:
    told = run("check", spec(f"fc<{number},input<1,8,8>>"))
    assert told.exit_code == 1 and "E006" in told.output


@pytest.mark.parametrize("value", ["1_000", "٣", "1e3", "", "0x10"])
def test_settings_are_plain_numbers(value: str) -> None:
    told = run("check", "resnet18", "-D", f"classes={value}")
    assert told.exit_code == 1 and "E402" in told.output


# ---- text ----


def test_standard_input_of_other_encodings() -> None:
    text = "relu<input<1,8,8>> // \xe9"
    assert run("check", "-", stdin=b"\xef\xbb\xbf" + text.encode()).exit_code == 0
    latin = run("check", "-", stdin=text.encode("latin-1"))
    assert latin.exit_code == 1 and "standard input is not UTF-8" in latin.output
    wide = run("check", "-", stdin=text.encode("utf-16"))
    assert wide.exit_code == 1 and "save it as UTF-8" in wide.output


def test_closed_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", "check", "-"],
        stdin=None, capture_output=True, text=True, check=False,
        preexec_fn=lambda: os.close(0),
    )  # fmt: skip
    assert done.returncode == 1 and "it is closed" in done.stderr


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "no/such/folder.arch"])
def test_names_that_no_file_can_have(name: str) -> None:
    told = run("check", name)
    assert told.exit_code == 1 and "error[E406]" in told.output
    if "\0" in name:
        return  # no shell hands this on, and click asks the system about it
    told = run("draw", "lenet", "-o", f"{name}.svg")
    assert told.exit_code == 1 and "cannot write" in told.output


@pytest.mark.parametrize("name", ["\x1b[31mred.arch", "\x1b]0;title\x07.arch", "a\rb.arch"])
def test_control_characters_do_not_reach_a_terminal(name: str) -> None:
    Path(name).write_text("relu<input<1,8,8>")
    for told in (
        run("check", name, color=True),
        run("check", name + "x", color=True),
        run("summary", spec(f'#include "{name}y"\nrelu<input<1,8,8>>'), color=True),
    ):
        assert told.exit_code == 1
        shown = told.output.replace("\x1b[", "")  # our own colours
        assert "\x1b" not in shown and "\x07" not in shown and "\r" not in shown
        assert "\x1b[31mred" not in told.output


# ---- faults of our own ----


def test_a_fault_of_archdsl_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("somewhere inside")

    monkeypatch.setattr(options, "load_source", broken)
    spec("relu<input<1,8,8>>")
    told = run("check", "net.arch")
    assert told.exit_code == 70
    assert "error[E999]: this is a fault of archdsl" in told.output
    assert archdsl.__version__ in told.output and "net.arch: sha256" in told.output
    assert "Traceback" not in told.output
    assert "Traceback" in run("--debug", "check", "net.arch").output


def test_what_an_exporter_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from archdsl.backends.formats import onnx

    def refuses(*_: object, **__: object) -> bytes:
        raise RuntimeError("no kernel\nand a long story")

    monkeypatch.setattr(onnx, "encode", refuses)
    told = run("compile", spec("relu<input<1,8,8>>"), "-o", "net.onnx")
    assert told.exit_code == 1 and "error[E410]" in told.output and "no kernel" in told.output
    assert not Path("net.onnx").exists()


# ---- threads and signals ----


def test_seeds_hold_in_threads() -> None:
    def weights(seed: int) -> torch.Tensor:
        return archdsl.compile("lenet", seed=seed).fc1.weight.clone()

    expected = [weights(0), weights(1)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(weights, [0, 1] * 16))
    assert all(torch.equal(a, expected[i % 2]) for i, a in enumerate(found))


def test_a_seed_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    archdsl.compile("lenet", seed=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("after", [0.05, 0.4, 2.5], ids=["starting", "importing", "running"])
def test_interrupts_end_a_command_without_a_traceback(after: float) -> None:
    spec("relu<input<1,8,8>>")
    process = subprocess.Popen(
        [sys.executable, "-m", "archdsl", "watch", "net.arch"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        # A shell that runs the tests in the background has them ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    if after > 2:
        assert process.returncode in (130, -signal.SIGINT)
    # As long as Python imports the package itself, nothing of it can catch anything.
    assert set(re.findall(r'archdsl/(\S+)", line', said)) <= {"__init__.py"}


# ---- files ----


@pytest.mark.parametrize(
    "text",
    ["<net" + "   x='y'" * 40, "<net " + "'   x='y'" * 4000 + "!", "<net " + "a" * 1_000_000],
    ids=["unfinished", "quotes", "one word"],
)
def test_no_text_takes_a_reader_of_xml_long(text: str) -> None:
    Path("net.xml").write_text(text)
    start = time.process_time()
    told = run("inspect", "net.xml")
    assert told.exit_code == 1 and "is not XML of a network of dlib" in told.output
    assert time.process_time() - start < 5


def test_a_link_stays_where_it_leads() -> None:
    Path("real").mkdir()
    Path("real/net.svg").write_text("older")
    Path("link.svg").symlink_to("real/net.svg")
    assert run("draw", "lenet", "-o", "link.svg").exit_code == 0
    assert Path("link.svg").is_symlink()
    assert "<svg" in Path("real/net.svg").read_text()


@pytest.mark.parametrize("command", ["draw", "compile", "table", "import", "watch", "train"])
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "pipe"])
def test_outputs_are_files(command: str, name: str) -> None:
    """Files appear whole, under names; a stream can have neither."""
    if name == "pipe":
        os.mkfifo(name)
    file = "torchvision:resnet18" if command == "import" else "lenet"
    told = run(command, file, "-o", name)
    assert told.exit_code == 2 and f"{name}: expected the name of a file" in told.output
    assert name == "-" or Path(name).exists()


def test_a_device_stays_what_it_is() -> None:
    """``write`` puts a new file in the place of the old one: not of a pipe or device."""
    os.mkfifo("pipe.svg")
    with pytest.raises(ArchError, match="it is no file"):
        write(Path("pipe.svg"), b"x")
    Path("link.svg").symlink_to("pipe.svg")
    with pytest.raises(ArchError, match="it is no file"):
        write(Path("link.svg"), b"x")
    assert Path("pipe.svg").is_fifo()


@pytest.mark.parametrize("name", ["huge.dat", "huge.xml", "huge.onnx", "huge.json"])
def test_files_beyond_the_memory_are_refused_unread(name: str) -> None:
    """Files with holes: they have a size, and hardly any content."""
    first = b"<" if name.endswith(".xml") else b"\x01"
    with Path(name).open("wb") as file:
        file.write(first)
        file.truncate(2**31 - 1 if name.endswith(".onnx") else 2**42)
    tracemalloc.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archdsl.text.input.free_memory", lambda: 2**30)
        commands = {
            ".onnx": ("import", name),
            ".json": ("train", "ssd300_vgg16", "-D", "classes=2", "--data", name, "-o", "run"),
        }
        told = run(*commands.get(Path(name).suffix, ("inspect", name)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told.exit_code == 1 and "E409" in told.output, told.output
    assert "larger than what can be read here" in told.output
    assert name.endswith(".json") or peak < 2**26


def test_what_comes_out_of_a_pipe_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo("endless.dat")

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), Path("endless.dat").open("wb") as file:
            while True:
                file.write(b"x" * 2**16)

    writer = threading.Thread(target=feed, daemon=True)
    writer.start()
    monkeypatch.setattr("archdsl.text.input.free_memory", lambda: 2**22)
    with pytest.raises(ArchError, match="larger than"):
        read_whole(Path("endless.dat"))
    writer.join(10)


CUT_OFF = (
    ("-D", ""), ("-D", "classes"), ("-D", "classes="), ("-D", "=5"), ("--input", ""),
    ("--input", "3x"), ("--input", "3x224x"), ("--net", ""), ("--opaque", "a="),
)  # fmt: skip


@pytest.mark.parametrize("arguments", CUT_OFF)
def test_arguments_that_break_off(arguments: tuple[str, str]) -> None:
    told = run("summary", "squeezenet1_1", *arguments)
    assert told.exit_code in (1, 2) and told.output.strip()
    assert "fault of archdsl" not in told.output and len(told.output) < 2000


@pytest.mark.parametrize("name", [" ", "./", "lene", "lenet.", "lenet.arc"])
def test_names_of_files_that_break_off(name: str) -> None:
    told = run("summary", name)
    assert told.exit_code in (1, 2) and "fault of archdsl" not in told.output


@pytest.mark.parametrize(
    "title", ["\x1b[31m\x00\x07", "\ud83d", "<b>&lt", "]]>", "\ufffe\ufdd0", "a" * 10_000, ""]
)
def test_titles_of_any_characters(title: str) -> None:
    """A figure is XML, which has no control characters and no halves of a pair."""
    for suffix in ("svg", "html", "tex", "dot", "mmd"):
        told = run("draw", "lenet", "-o", f"net.{suffix}", "--title", title)
        assert told.exit_code == 0, (suffix, told.output)
    drawn = ElementTree.fromstring(Path("net.svg").read_bytes())
    assert len("".join(drawn.itertext())) < 20_000
    assert b"\x1b" not in Path("net.html").read_bytes()
