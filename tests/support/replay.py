"""A server that answers MongoDB's wire protocol with recorded replies, so that only the client is measured.

It knows the commands that a reader sends: `hello`, `find`, `getMore`, the count of
`count_documents`, and says yes to the others.
"""

from __future__ import annotations

import multiprocessing
import socket
import socketserver
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

_HEADER = struct.Struct("<iiii")
_MESSAGE, _QUERY, _REPLY = 2013, 2004, 1
_HELLO = {
    "ismaster": True,
    "isWritablePrimary": True,
    "helloOk": True,
    "maxBsonObjectSize": 16 * 2**20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "ok": 1.0,
}


class Recording:
    """What one collection holds.

    Args:
        name: Of the collection.
        batches: Documents of each reply, one after the other as BSON.
        rows: How many documents there are.
    """

    def __init__(self, name: str, batches: Sequence[bytes], rows: int) -> None:
        self.name = name
        self.rows = rows
        self.replies = [
            bson.encode(
                {
                    "cursor": {
                        "id": bson.Int64(0 if number == len(batches) - 1 else number + 1),
                        "ns": f"replayed.{name}",
                        "nextBatch" if number else "firstBatch": _split(batch),
                    },
                    "ok": 1.0,
                }
            )
            for number, batch in enumerate(batches)
        ]


def _split(batch: bytes) -> list[RawBSONDocument]:
    documents, place = [], 0
    while place < len(batch):
        length = int.from_bytes(batch[place : place + 4], "little")
        documents.append(RawBSONDocument(batch[place : place + length]))
        place += length
    return documents


@contextmanager
def replay(*recordings: Recording) -> Iterator[str]:
    """Serve recordings from a process of their own, and yield its URI."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=32)
    server = multiprocessing.get_context("fork").Process(
        target=_serve, args=(listening, {found.name: found for found in recordings}), daemon=True
    )
    server.start()
    try:
        yield f"mongodb://127.0.0.1:{listening.getsockname()[1]}/replayed?directConnection=true"
    finally:
        server.terminate()
        server.join()
        listening.close()


def _serve(listening: socket.socket, recordings: Mapping[str, Recording]) -> None:
    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while header := self.rfile.read(_HEADER.size):
                length, request, _, code = _HEADER.unpack(header)
                content = self.rfile.read(length - _HEADER.size)
                if code == _QUERY:
                    body = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(_HELLO)
                    code = _REPLY
                else:
                    size = int.from_bytes(content[5:9], "little")
                    command = bson.decode(content[5 : 5 + size])
                    body = b"\0\0\0\0\0" + _answer(command, recordings)
                    code = _MESSAGE
                self.wfile.write(_HEADER.pack(_HEADER.size + len(body), 0, request, code) + body)

    with socketserver.ThreadingTCPServer(
        ("127.0.0.1", 0), Handler, bind_and_activate=False
    ) as server:
        server.daemon_threads = True
        server.socket.close()
        server.socket = listening
        server.serve_forever()


def _answer(command: Mapping[str, Any], recordings: Mapping[str, Recording]) -> bytes:
    name = next(iter(command))
    found = recordings.get(command.get("collection", command[name]))
    if name in ("hello", "ismaster", "isMaster"):
        return bson.encode(_HELLO)
    if found is None or name not in ("find", "getMore", "aggregate"):
        return bson.encode({"ok": 1.0})
    if name == "aggregate":
        counted = {"id": bson.Int64(0), "ns": "replayed.rows", "firstBatch": [{"n": found.rows}]}
        return bson.encode({"cursor": counted, "ok": 1.0})
    return found.replies[0 if name == "find" else command["getMore"]]
