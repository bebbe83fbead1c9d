"""The server's side of the protocol: an answer to every request, in any order and of any form."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

pytest.importorskip("pygls")

from fuzz.protocol import answers, message, sessions

from archdsl.editor import hover as hovering
from archdsl.editor.document import LIVE_CHARACTERS, MOST_CHARACTERS

URI = "untitled:net.arch"
TEXT = "using net_type = fc<10,relu<con<8,3,3,1,1,input<1,8,8>>>>;\n"
START = [
    message("initialize", {"capabilities": {}, "processId": None, "rootUri": None}, 0),
    message("initialized", {}),
]


def opened(text: str) -> Any:
    item = {"uri": URI, "languageId": "arch", "version": 0, "text": text}
    return message("textDocument/didOpen", {"textDocument": item})


def edited(version: int, text: str) -> Any:
    document = {"uri": URI, "version": version}
    changes = {"textDocument": document, "contentChanges": [{"text": text}]}
    return message("textDocument/didChange", changes)


def hover(id: Any, line: Any = 0, character: Any = 24) -> Any:
    position = {"line": line, "character": character}
    return message("textDocument/hover", {"textDocument": {"uri": URI}, "position": position}, id)


def asked(*messages: Any) -> dict[Any, Any]:
    """The answers by the ids of their requests; that there is one for each is checked."""
    lines = [m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages]
    sent = answers(b"\n".join(lines))
    return {each.get("id"): each for each in sent if "method" not in each}


def test_a_session_of_every_request() -> None:
    (session,) = sessions()
    found = {each["id"]: each for each in answers(session) if "id" in each}
    assert "fc" in str(found[2]["result"]) or "con" in str(found[2]["result"])
    errors = {key for key, each in found.items() if "error" in each}
    assert errors == {12} and found[12]["error"]["code"] == -32601


@pytest.mark.parametrize(
    ("line", "character"), [(-1, -1), (-(2**40), 0), (0, 2**40), (2**31, 2**31), (10**30, 0)]
)
def test_positions_are_clamped(line: int, character: int) -> None:
    found = asked(*START, opened(TEXT), hover(1, line, character))
    assert "error" not in found[1]


@pytest.mark.parametrize("line", [None, "0", 0.5, True, [], {}])
def test_positions_that_are_none_are_refused(line: Any) -> None:
    found = asked(*START, opened(TEXT), hover(1, line), hover(2))
    assert found[1].get("error", {"code": -32602})["code"] == -32602
    assert "fully connected" in str(found[2]).lower() or "relu" in str(found[2]).lower()


def test_edits_and_cancellations() -> None:
    """A hundred and fifty edits, a hover after each, every third of which is cancelled."""
    messages = [*START, opened(TEXT)]
    for number in range(1, 151):
        messages += [edited(number, TEXT.replace("8,3", f"{number},3")), hover(number)]
        if number % 3 == 0:
            messages.append(message("$/cancelRequest", {"id": number}))
    found = asked(*messages)
    assert set(found) == set(range(151))
    assert "150" in str(asked(*START, opened(TEXT.replace("8,3", "150,3")), hover(1, 0, 29))[1])


BROKEN = {
    "no JSON": (b"{", -32700),
    "no UTF-8": (b'{"jsonrpc": "\xff"}', -32700),
    "nested": (b"[" * 100_000, -32700),
    "a list": (b"[1]", -32600),
    "no message": (b'{"id": 1, "method": "shutdown"}', -32600),
}


@pytest.mark.parametrize(("content", "code"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_message_is_refused(content: bytes, code: int) -> None:
    found = asked(*START, opened(TEXT), content, hover(2))
    assert found[None]["error"]["code"] == code
    assert "error" not in found[2]


def test_another_version_is_refused() -> None:
    found = asked(*START, {**message("shutdown", None, 5), "jsonrpc": "1.0"})
    assert found[5]["error"]["code"] == -32600


def test_the_order_of_a_session() -> None:
    found = asked(hover(1), *START, message("shutdown", None, 2), hover(3), message("x", {}, 4))
    assert found[1]["error"]["code"] == -32002  # ServerNotInitialized
    assert "error" not in found[2]
    assert found[3]["error"]["code"] == found[4]["error"]["code"] == -32600


def test_a_fault_of_ours_is_told_without_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("somewhere inside")

    monkeypatch.setattr(hovering, "hover", broken)
    with pytest.raises(AssertionError, match="this is a fault of archdsl: ZeroDivisionError") as e:
        asked(*START, opened(TEXT), hover(1))
    assert "Traceback" not in str(e.value) and "server.py" not in str(e.value)


@pytest.mark.parametrize("size", [LIVE_CHARACTERS // 2, 2 * MOST_CHARACTERS])
def test_long_texts_are_answered_at_once(size: int) -> None:
    line = "template <int N, typename SUBNET> using b{} = relu<bn_con<con<N,3,3,1,1,SUBNET>>>;\n"
    text = "".join(map(line.format, range(size // len(line)))) + TEXT
    lines = text.count("\n")

    start = time.process_time()
    asked(*START, opened(TEXT), hover(1))
    base = time.process_time() - start
    start = time.process_time()
    found = asked(*START, opened(text), hover(1, lines - 1))
    assert "error" not in found[1]
    assert time.process_time() - start - base < (0.2 if size > LIVE_CHARACTERS else 2)


LONG = "".join(f"using b{k} = relu<input<3,9,9>>;\n" for k in range(LIVE_CHARACTERS // 30))


def test_a_rename_is_of_the_newest_text_or_refused() -> None:
    """What was asked of a text that was edited before it was read is not answered from either."""
    where = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 6}}
    rename = message("textDocument/rename", where | {"newName": "other"}, 7)
    found = asked(*START, opened(LONG), rename, edited(2, "\n" + LONG))
    assert found[7]["error"]["code"] == -32801  # ContentModified


def serve(content: bytes, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "archdsl", "lsp"]
    return subprocess.run(command, input=content, capture_output=True, timeout=60, **kwargs)


def framed(*messages: Any) -> bytes:
    parts = (json.dumps(each).encode() for each in messages)
    return b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(part), part) for part in parts)


def test_the_end_of_the_input_ends_the_server() -> None:
    ends = {
        "nothing": b"",
        "in a header": b"Content-Length: 9",
        "a length that lies": framed(*START) + b"Content-Length: 99999999999999\r\n\r\n{}",
        "no header": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    }
    for content in ends.values():
        done = serve(content)
        assert b"Traceback" not in done.stderr and done.returncode in (0, 1)


def test_exit_without_shutdown_is_told_by_the_status() -> None:
    assert serve(framed(*START, message("exit", None))).returncode == 1
    whole = (*START, message("shutdown", None, 9), message("exit", None))
    assert serve(framed(*whole)).returncode == 0
