"""A segment of the queue of waiting rows: some rows in memory, the rest in one file of the spool."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import bson
from bson.int64 import Int64

from ..storage.documents import (
    AnyDocument,
    Document,
    UnreadDocument,
    decode_document,
    encode_prediction,
)
from ..storage.fields import SPECIAL, Column
from .spool_file import DamagedFile, SpoolFile

_log = logging.getLogger(__name__)
# Decoding is Python's work: without these pauses, a caller would wait for it up to 5 ms a row.
_ROWS_PER_TURN = 8
_PAUSE_SECONDS = 1e-6
# Rows of the usual size reach the number that is wanted long before.
BATCH_BYTES = 16 * 2**20

_MAX_SIGNATURES = 512
_OUR_NUMBERS = {"at", "draw"}
_columns: dict[tuple[Any, ...], frozenset[Column]] = {}

Refuse = Callable[[list[tuple[bytes, str]]], None]


class Segment:
    """Rows in order: those in memory come before those that only the file has.

    Attributes:
        memory: Rows in memory.
        unsaved: How many of them, the first ones, are not in the file.
        file: Where rows are on disk.
        loaded_to: Up to where the file's rows are or were in memory.
        unread: How many rows the file has after that; None when only reading tells.
        damaged: Whether the file has nothing that can be read after that.
        problem: Why there is no file.
    """

    def __init__(self, file: SpoolFile | None, unread: int | None = 0) -> None:
        self.memory: deque[AnyDocument] = deque()
        self.file = file
        self.unsaved = self.loaded_to = 0
        self.unread = unread
        self.damaged = False
        self.problem = ""
        self._model = ""
        self._columns: set[Column] = set()
        self._latest: frozenset[Column] | None = None

    def leave_to_file(self, documents: Sequence[AnyDocument]) -> None:
        """Leave rows to the file alone, which has them at its end."""
        self.unread = (self.unread or 0) + len(documents)
        for document in documents:
            # Rows of one layout share it.
            if document.columns is not self._latest:
                self._model, self._latest = document.model, document.columns
                self._columns |= document.columns

    def replace(self, file: SpoolFile) -> int:
        """Go on in another file.

        Returns:
            How many rows of this process only the old one had.
        """
        lost = self._give_up_unread()
        if self.file is not None:
            self.file.close()
        self.file, self.loaded_to, self.damaged = file, 0, False
        return lost

    @property
    def has_unread(self) -> bool:
        """Whether the file may have rows that are not in memory."""
        return self.unread != 0

    @property
    def can_load(self) -> bool:
        """Whether `load` may find rows, or has something to say of the file."""
        # A damaged file is set aside once what was read of it is written: until then, another process
        # must find it if this one is killed.
        return self.has_unread and not (self.damaged and self.memory)

    def load(self, count: int, refuse: Refuse, limit_bytes: int = BATCH_BYTES) -> int:
        """Take rows into memory until there are `count`, or so many bytes, if the file has them.

        Args:
            count: Rows that are wanted.
            refuse: Keeps encoded rows that cannot be decoded, with the reason.
            limit_bytes: Bytes that are wanted at most; one row may have more.

        Returns:
            How many rows of this process were given up.

        Raises:
            OSError: If the file cannot be read now.
        """
        given_up, begun = 0, self.loaded_to
        taken = sum(len(document.body) for document in self.memory)
        while (
            self.can_load
            and self.file is not None
            and len(self.memory) < count
            and taken < limit_bytes
        ):
            try:
                number, bodies = self.file.read(self.loaded_to)
            except OSError:
                # What was read before counts.
                if self.loaded_to == begun:
                    raise
                break
            except DamagedFile as error:
                self.damaged = True
                if self.memory:
                    break
                _log.error(
                    "a file of the spool is damaged (%s): kept as %s, its last rows are not written",
                    error,
                    self.file.set_aside(),
                )
                self.file = None
                return given_up + self._give_up_unread()
            documents, broken = self._read(bodies)
            if broken:
                refuse(broken)
            self.loaded_to = number
            if not bodies:
                missing = self._give_up_unread()
                if missing:
                    _log.error(
                        "%s has lost %d predictions: another process removed or cut it",
                        self.file.path,
                        missing,
                    )
                    given_up += missing
            elif self.unread is not None:
                # A caller that a signal interrupted may have written a row that it never counted.
                left = self.unread - len(bodies)
                self.unread = left if left > 0 or number >= self.file.bytes else 1
            self.memory.extend(documents)
            taken += sum(map(len, bodies))
            given_up += len(broken)
        return given_up

    def _give_up_unread(self) -> int:
        lost, self.unread = max(0, self.unread or 0), 0
        return lost

    def _read(self, bodies: list[bytes]) -> tuple[Sequence[AnyDocument], list[tuple[bytes, str]]]:
        if not self._columns:
            return _decoded(bodies)
        time.sleep(_PAUSE_SECONDS)
        # What this process wrote need not be decoded to be known.
        columns = frozenset(self._columns)
        return [UnreadDocument(self._model, body, columns) for body in bodies], []


def _decoded(bodies: list[bytes]) -> tuple[list[Document], list[tuple[bytes, str]]]:
    documents, broken = [], []
    for position, body in enumerate(bodies):
        if position % _ROWS_PER_TURN == 0:
            time.sleep(_PAUSE_SECONDS)
        try:
            documents.append(_document(body))
        except Exception as error:
            broken.append((body, f"not a prediction: {type(error).__name__}"))
    return documents, broken


def _document(body: bytes) -> Document:
    """Return what `encode_row` once returned."""
    content = bson.decode(body)
    signature = (*content, *map(type, content.values()))
    columns = _columns.get(signature)
    if columns is None:
        document = encode_prediction(decode_document(body))
        # Of a special value, its text tells the kind; of a large integer, the number itself.
        if not any(
            field.startswith(SPECIAL) or (type(value) is Int64 and field not in _OUR_NUMBERS)
            for field, value in content.items()
        ):
            if len(_columns) >= _MAX_SIGNATURES:
                _columns.clear()
            _columns[signature] = document.columns
        return document
    return Document(
        model=content["model"],
        id=content["id"],
        role=content["role"],
        version=content["version"],
        at=int(content["at"]),
        body=body,
        columns=columns,
    )
