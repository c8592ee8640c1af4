"""A MongoDB cursor over raw BSON batches that makes no Python object of a document.

pymongo's own (4.20) makes a `RawBSONDocument` of every document of a reply, drops them all, and copies
the documents into one stream while the reply is fetched. All of that takes a third of the time that a
window takes to read. Here the copy is left to the thread that decodes: memory that one thread fills anew for
each reply, and another frees, costs as much as half of the copying. Whatever is not as it was in that
version is left to pymongo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import bson
from bson import raw_bson
from pymongo.cursor import RawBatchCursor


class _Array(NamedTuple):
    """Documents as the array that they arrived in.

    Attributes:
        content: The BSON array.
    """

    content: bytes | memoryview


# What an array without a document takes.
_EMPTY_BYTES = 5
_BATCHES = ("firstBatch", "nextBatch")


class RawReplyCursor(RawBatchCursor[Any]):
    """Like `RawBatchCursor`, made with the arguments of `Collection.find_raw_batches`.

    What it yields is for `documents_of`.
    """

    def _unpack_response(
        self,
        response: Any,
        cursor_id: int | None,
        codec_options: Any,
        user_fields: Mapping[str, Any] | None = None,
        legacy_response: bool = False,
    ) -> list[Any]:
        try:
            options: Any = raw_bson._RAW_ARRAY_BSON_OPTIONS
            # Arrays stay bytes in documents of this class; errors and the rest are small.
            reply = dict(options.document_class(response.payload_document, options))
            if "cursor" in reply:
                reply["cursor"] = {
                    name: _listed(value) if name in _BATCHES else value
                    for name, value in reply["cursor"].items()
                }
        except (AttributeError, TypeError):
            return super()._unpack_response(
                response, cursor_id, codec_options, user_fields, legacy_response
            )
        return [reply]


def documents_of(reply: Any) -> bytes:
    """Return the documents of a reply, one after the other."""
    return bson._array_of_documents_to_buffer(reply.content) if type(reply) is _Array else reply


def _listed(content: bytes | memoryview) -> list[_Array]:
    if not callable(bson._array_of_documents_to_buffer):
        raise TypeError
    return [_Array(content)] if len(content) > _EMPTY_BYTES else []
