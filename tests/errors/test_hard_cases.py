"""Includes, writers, threads and processes at their worst; names that clash in written source."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from support.commands import run

import archdsl
from archdsl.text.output import write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- includes ----


def test_a_chain_of_ten_thousand_includes_ends() -> None:
    for number in range(10_000):
        Path(f"{number}.arch").write_text(f'#include "{number + 1}.arch"\n')
    Path("10000.arch").write_text("using unit = relu;\n")
    Path("net.arch").write_text('#include "0.arch"\nusing net_type = unit<input<1,8,8>>;\n')
    start = time.process_time()
    told = run("check", "net.arch")
    assert told.exit_code == 1 and "error[E135]" in told.output
    assert time.process_time() - start < 10


@pytest.mark.parametrize("suffix", ["arch", "h"])
def test_includes_in_a_circle_of_links(suffix: str) -> None:
    Path(f"a.{suffix}").write_text(f'#include "b.{suffix}"\nusing net = relu<input<1,8,8>>;\n')
    Path(f"b.{suffix}").symlink_to(f"a.{suffix}")
    told = run("check", f"a.{suffix}")
    if suffix == "h":  # a guard of C++'s would skip it
        assert told.exit_code in (0, 1) and "E999" not in told.output
    else:
        assert told.exit_code == 1 and "error[E134]" in told.output


def test_links_that_lead_to_each_other_are_no_file() -> None:
    Path("a.arch").symlink_to("b.arch")
    Path("b.arch").symlink_to("a.arch")
    Path("net.arch").write_text('#include "a.arch"\nrelu<input<1,8,8>>')
    told = run("check", "net.arch")
    assert told.exit_code == 1 and "error[E13" in told.output
    assert "error[E406]" in run("check", "a.arch").output
    written = run("draw", "lenet", "-o", "a.arch/x.svg")
    assert written.exit_code == 1 and "cannot write" in written.output


@pytest.mark.parametrize("target", ["a\0b.arch", "a" * 5000, "\x1b[31m.arch", "\udcff.arch"])
@pytest.mark.parametrize("suffix", ["arch", "cpp"])
def test_includes_that_no_file_can_have(target: str, suffix: str) -> None:
    text = f'#include "{target}"\nusing net_type = relu<input<1,8,8>>;\n'
    Path(f"net.{suffix}").write_bytes(text.encode("utf-8", "surrogateescape"))
    told = run("check", f"net.{suffix}")
    assert told.exit_code in (0, 1) and "E999" not in told.output
    assert told.exit_code == 1 or suffix == "cpp"
    assert told.output.replace("\n", "").isprintable()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_other_encodings(encoding: str) -> None:
    Path("net.arch").write_bytes("relu<input<1,8,8>> // \xe9".encode(encoding))
    told = run("check", "net.arch")
    assert told.exit_code == 1 and told.output.count("error[") == 1
    if encoding == "utf-16":
        assert "save it as UTF-8" in told.output


# ---- writers ----


def _writes(content: bytes) -> None:
    for _ in range(40):
        write(Path("shared"), content)


def test_of_several_writers_one_is_there_whole() -> None:
    contents = [bytes([number]) * 200_000 for number in range(4)]
    forked = multiprocessing.get_context("fork")
    processes = [forked.Process(target=_writes, args=(content,)) for content in contents]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        if Path("shared").exists():
            assert Path("shared").read_bytes() in contents
    assert [process.exitcode for process in processes] == [0] * 4
    assert os.listdir() == ["shared"]


# ---- threads and processes ----


def test_threads_load_compile_and_draw() -> None:
    names = ["lenet", "resnet18", "googlenet", "lenet"]

    def made(name: str) -> tuple[str | None, str, int]:
        network = archdsl.load(name)
        parameters = 0
        if name == "lenet":
            parameters = sum(p.numel() for p in network.to_torch(seed=0).parameters())
        return network.draw(), network.to_python(), parameters

    expected = [made(name) for name in names]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(made, names * 4))
    assert all(each == expected[index % len(names)] for index, each in enumerate(found))


def test_a_fork_after_the_import_works() -> None:
    script = """
import os, archdsl
archdsl.load("lenet").summary()
child = os.fork()
network = archdsl.load("lenet")
network.draw()
if not child:
    os._exit(0 if network.summary().parameters == 61706 else 1)
raise SystemExit(os.waitpid(child, 0)[1])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr


# ---- written source ----

CLASHING = """\
template <typename SUBNET> using torch = relu<con<2,3,3,1,1,SUBNET>>;
template <typename SUBNET> using nn = relu<torch<SUBNET>>;
template <typename SUBNET> using forward = tag1<nn<SUBNET>>;
template <typename SUBNET> using module = add_prev1<con<2,1,1,1,1,forward<SUBNET>>>;
template <typename SUBNET> using Net = module<SUBNET>;
template <typename SUBNET> using net = Net<SUBNET>;
template <typename SUBNET> using self = net<SUBNET>;
template <typename SUBNET> using lambda = self<SUBNET>;
template <typename SUBNET> using None = lambda<SUBNET>;
template <typename SUBNET> using training = None<SUBNET>;
template <typename SUBNET> using parameters = training<SUBNET>;
template <typename SUBNET> using super = parameters<SUBNET>;
template <typename SUBNET> using state_dict = super<SUBNET>;
using net_type = fc<3,state_dict<state_dict<input<2,5,5>>>>;
"""


def test_names_that_clash_with_pythons_and_torchs() -> None:
    Path("net.arch").write_text(CLASHING)
    network = archdsl.load("net.arch").check()
    module = network.to_torch(seed=0).eval()
    Path("net.py").write_text(network.to_python())
    space = runpy.run_path("net.py")
    made = [
        value
        for value in space.values()
        if isinstance(value, type)
        and issubclass(value, torch.nn.Module)
        and value.__module__ not in ("torch.nn", "torch.nn.modules.module")
    ]
    whole = made[-1]().eval()
    whole.load_state_dict(module.state_dict())
    x = torch.rand(2, 2, 5, 5)
    with torch.inference_mode():
        assert torch.equal(whole(x), module(x))
