"""Finds the rows that a database refuses for good, so that they do not hold up the others."""

from __future__ import annotations

from collections.abc import Sequence

from ..storage.documents import AnyDocument
from ..storage.interface import PredictionStore

# When so many rows fail one after the other, the rows are not what is wrong.
_MOST_IN_A_ROW = 20


class Sifting:
    """Writes a batch that failed as a whole in ever smaller pieces.

    A row is only blamed when the database answers and took another one of the same batch: one that is
    full, or lets this user write nothing, refuses every row, and that is no fault of any of them.

    Args:
        store: The database.

    Attributes:
        taken: How many of the rows written were new.
        refused: Rows that cannot be written, and why.
    """

    def __init__(self, store: PredictionStore) -> None:
        self._store = store
        self.taken = 0
        self.refused: list[tuple[AnyDocument, Exception]] = []
        self._successes = self._in_a_row = 0

    def sift(self, documents: Sequence[AnyDocument], error: Exception) -> None:
        """Write what can be written.

        Args:
            documents: A batch.
            error: Why it could not be written at once.

        Raises:
            Exception: When no row is to blame; all may be written again.
        """
        self._halves(documents, error)
        if not self._successes:
            raise error

    def _halves(self, documents: Sequence[AnyDocument], error: Exception) -> None:
        if len(documents) == 1:
            self._store.ping()
            self._in_a_row += 1
            if self._in_a_row >= _MOST_IN_A_ROW:
                raise error
            self.refused.append((documents[0], error))
            return
        middle = len(documents) // 2
        for half in (documents[:middle], documents[middle:]):
            try:
                self.taken += self._store.append_documents(half)
            except Exception as reason:
                self._halves(half, reason)
            else:
                self._successes += 1
                self._in_a_row = 0
