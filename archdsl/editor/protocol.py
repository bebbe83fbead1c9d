"""The protocol between editor and server: every request has an answer, whatever it looks like.

pygls leaves requests that it cannot read unanswered, and sends tracebacks of faults to the editor.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol

_LARGEST = 2**31 - 1
_PIECE = 2**20
_BEFORE_INITIALIZE = (types.INITIALIZE, types.EXIT)


class Protocol(LanguageServerProtocol):
    """pygls's protocol, with positions clamped to those that there are."""

    _initialized = False
    left_early = False
    """True once the editor told the server to exit and had not asked it to shut down before."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message of the protocol; ``None`` for one that has its answer already."""
        if data.keys() == {"line", "character"}:
            return {name: _clamped(value) for name, value in data.items()}
        version = data.get("jsonrpc", self.VERSION)
        if version != self.VERSION and {"id", "method"} <= data.keys():
            self._refuse(data["id"], types.ErrorCodes.InvalidRequest, "JSON-RPC 2.0 is spoken here")
            return None
        try:
            return super().structure_message(data)
        except JsonRpcException:
            if "method" in data and "id" in data:
                self._refuse(
                    data["id"], types.ErrorCodes.InvalidParams, "parameters of other types"
                )
            return None

    def handle_message(self, message: Any) -> None:
        """Hands a message to its handler; answers those that no state of the server allows."""
        if message is None:
            return
        method, request = getattr(message, "method", None), getattr(message, "id", None)
        if isinstance(message, (dict, list, str, int, float)):
            self._refuse(None, types.ErrorCodes.InvalidRequest, "no message of JSON-RPC 2.0")
            return
        if method is not None and not self._initialized and method not in _BEFORE_INITIALIZE:
            if request is not None:
                code = types.ErrorCodes.ServerNotInitialized
                self._refuse(request, code, "the first request has to be initialize")
            return
        if self._shutdown and method != types.EXIT:
            if request is not None and method is not None:
                self._refuse(request, types.ErrorCodes.InvalidRequest, "the server is shut down")
            return
        self.left_early = method == types.EXIT and not self._shutdown
        self._initialized = self._initialized or method == types.INITIALIZE
        super().handle_message(message)

    def unreadable(self) -> None:
        """Answer bytes that are no JSON."""
        self._refuse(None, types.ErrorCodes.ParseError, "a message that is no JSON")

    def _refuse(self, request: Any, code: types.ErrorCodes, message: str) -> None:
        known = request if isinstance(request, (int, float, str)) else None
        self._send_response(known, error=types.ResponseError(code, message))

    def _send_response(
        self, msg_id: Any, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        if error is not None:
            internal = error.code == types.ErrorCodes.InternalError
            said = f"this is a fault of archdsl: {error.message}" if internal else error.message
            error = types.ResponseError(error.code, said)  # without the traceback, which is logged
        super()._send_response(msg_id, result, error)


def _clamped(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 0), _LARGEST) if whole else value


class Pieces:
    """A stream that is read in pieces: a length that lies takes no more memory than what comes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readline(self) -> bytes:
        return self._stream.readline(_PIECE)

    def read(self, count: int) -> bytes:
        parts = []
        while count > 0 and (part := self._stream.read(min(count, _PIECE))):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
