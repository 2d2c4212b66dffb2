"""Keeps many scans at hand: scans from files are decoded to disk, and mapped when they are used."""

import tempfile
from types import TracebackType
from typing import IO, Any, NamedTuple

import numpy as np

from ..errors import DustbustError
from ..image.arrays import Picture


class _OnDisk(NamedTuple):
    file: IO[bytes]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Spool:
    """A sequence of pictures, and a context manager.

    The temporary files lie where `tempfile` puts them ($TMPDIR). They have no names, or are deleted
    when they are closed. The system thus removes them when the process ends, even if it is killed.
    """

    def __init__(self) -> None:
        self._pictures: list[Picture | _OnDisk] = []

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for picture in self._pictures:
            if isinstance(picture, _OnDisk):
                picture.file.close()
        self._pictures.clear()

    def add(self, picture: Picture, *, on_disk: bool) -> None:
        """Keep a picture.

        Parameters
        ----------
        picture : ndarray
        on_disk : bool
            Keep it in a temporary file. Otherwise the array itself is kept and not changed.

        Raises
        ------
        DustbustError
            When there is no room for it.
        """
        kept: Picture | _OnDisk = picture
        if on_disk:
            try:
                kept = _on_disk(picture)
            except OSError as error:
                raise DustbustError(
                    "{folder}: has no room for the decoded scans ({reason}); set TMPDIR to a "
                    "folder that has",
                    folder=tempfile.gettempdir(),
                    reason=error.strerror or error,
                ) from error
        self._pictures.append(kept)

    def move_to_front(self, index: int) -> None:
        """Make a picture the first one; the others keep their order."""
        self._pictures.insert(0, self._pictures.pop(index))

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Picture:
        """The picture.

        One on disk is a new read-only map of its file, whose memory is free when it is dropped.
        """
        picture = self._pictures[index]
        return (
            picture
            if isinstance(picture, np.ndarray)
            else np.memmap(picture.file, picture.dtype, "r", shape=picture.shape)
        )

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of all pictures, without reading them."""
        return [picture.shape for picture in self._pictures]


def _on_disk(picture: Picture) -> _OnDisk:
    """A picture in a temporary file."""
    file = tempfile.TemporaryFile(prefix="dustbust-")  # noqa: SIM115 - it stays open
    try:
        np.ascontiguousarray(picture).tofile(file)
        file.flush()
    except BaseException:
        file.close()
        raise
    return _OnDisk(file, picture.dtype, picture.shape)
