"""Poison rows: finds the rows that a database refuses for good, so that they do not hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

from bson.errors import BSONError

from ..storage.base import PartlyWritten, RowRefused
from ..storage.documents import AnyDocument
from ..storage.interface import PredictionStore

# How often a row must fail alone. A lock, a cut connection or a full disk may hit it once or twice.
_PASSES = 3
_MAX_UNCLEAR = 20
_MAX_SUSPECTS = 10_000


class InsertedRows:
    """Counts the rows that a database inserted: those that it did not have.

    Attributes:
        count: How many so far.
    """

    def __init__(self) -> None:
        self.count = 0


class PoisonRowFilter:
    """Writes rows, and those of a batch that fails as a whole in ever smaller pieces.

    A row is blamed when the database says what is wrong with it while it takes others. Where it says
    something else, or nothing, a row is only blamed once it failed alone in three passes, and the database
    took rows that it did not have in each of them: one that is full, locked or away, or lets this user
    write nothing, refuses every row, and that is no fault of any of them.

    Args:
        inserted: Counts what the database inserts, of these rows and of others.

    Attributes:
        passes: How many passes in a row blamed no row yet; the next one needs more rows.
    """

    def __init__(self, inserted: InsertedRows) -> None:
        self._inserted = inserted
        self.passes = 0
        # By a digest of the content: a row that is read again from disk is another object.
        self._suspects: dict[bytes, tuple[int, int]] = {}

    def write(self, store: PredictionStore, documents: Sequence[AnyDocument]) -> int:
        """Write rows, all of them, and return how many were new."""
        taken = self._append(store, documents)
        self.passes = 0
        return taken

    def isolate(
        self,
        store: PredictionStore,
        documents: Sequence[AnyDocument],
        error: Exception,
        time_left: Callable[[], bool],
    ) -> list[tuple[AnyDocument, Exception]]:
        """Write what can be written of a batch that could not be written at once.

        Args:
            store: The database.
            documents: The batch.
            error: Why.
            time_left: Whether there is time for another write.

        Returns:
            Rows that cannot be written, and why; all others are written.

        Raises:
            Exception: When it is too early to blame a row, or none is to blame; all rows may be
                written again.
        """
        failed: list[tuple[AnyDocument, Exception]] = []
        successes = 0

        def halve(part: Sequence[AnyDocument], reason: Exception) -> None:
            nonlocal successes
            if not time_left():
                raise error
            if len(part) == 1:
                store.ping()
                failed.append((part[0], reason))
                # Each may have taken as long as the database is waited for.
                unclear = not successes and not _is_about_row(reason)
                if unclear and len(failed) >= _MAX_UNCLEAR:
                    raise error
                return
            middle = len(part) // 2
            for half in (part[:middle], part[middle:]):
                try:
                    self._append(store, half)
                except Exception as problem:
                    halve(half, problem)
                else:
                    successes += 1

        before = self._inserted.count
        halve(documents, error)
        verdicts = [
            self._count_failed_pass(document, before) >= (1 if _is_about_row(reason) else _PASSES)
            or (_is_about_row(reason) and successes > 0)
            for document, reason in failed
        ]
        if not all(verdicts):
            self.passes += 1
            raise error
        for document, _ in failed:
            self._suspects.pop(_digest(document), None)
        self.passes = 0
        return failed

    def _append(self, store: PredictionStore, documents: Sequence[AnyDocument]) -> int:
        """Write rows, and count those that were new, whether or not all could be written."""
        try:
            taken = store.append_documents(documents)
        except PartlyWritten as error:
            self._inserted.count += error.inserted
            raise
        self._inserted.count += taken
        return taken

    def _count_failed_pass(self, document: AnyDocument, before: int) -> int:
        """Note that a row failed alone, and return how often it did while others were taken."""
        digest = _digest(document)
        passes, taken = self._suspects.get(digest, (0, before))
        if self._inserted.count > taken:
            passes += 1
        if len(self._suspects) >= _MAX_SUSPECTS:
            self._suspects.clear()
        self._suspects[digest] = (passes, self._inserted.count)
        return passes


def _is_about_row(reason: Exception) -> bool:
    return isinstance(reason, RowRefused | BSONError)


def _digest(document: AnyDocument) -> bytes:
    return blake2b(document.body, digest_size=16).digest()
