"""A cursor over raw replies that makes no Python object of a document.

pymongo's own (4.20) makes a `RawBSONDocument` of every document of a reply, drops them all, and returns
the reply's bytes: a third of the time that a window takes to read. Whatever is not as it was in that
version is left to pymongo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson import raw_bson
from pymongo.cursor import RawBatchCursor


class Replies(RawBatchCursor[Any]):
    """Like `RawBatchCursor`, made with the arguments of `Collection.find_raw_batches`."""

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
                reply["cursor"] = dict(reply["cursor"])
            bson._convert_raw_document_lists_to_streams(reply)
        except (AttributeError, TypeError):
            return super()._unpack_response(
                response, cursor_id, codec_options, user_fields, legacy_response
            )
        return [reply]
