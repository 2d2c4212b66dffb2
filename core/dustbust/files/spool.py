"""Many scans at once: those from files wait on disk, decoded, and are mapped when they are used."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from ..errors import DustbustError
from ..image.arrays import Picture


class _OnDisk(NamedTuple):
    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Spool:
    """A sequence of pictures. As a context manager it leaves nothing behind, whatever happens.

    The temporary files lie where `tempfile` puts them ($TMPDIR).
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dustbust-", ignore_cleanup_errors=True)
        self._pictures: list[Picture | _OnDisk] = []

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pictures.clear()
        self._folder.cleanup()

    def add(self, picture: Picture, *, on_disk: bool) -> None:
        """Keep a picture.

        Parameters
        ----------
        picture : ndarray
        on_disk : bool
            Keep it in a temporary file; otherwise the picture itself is kept, and not changed.

        Raises
        ------
        DustbustError
            When there is no room for it.
        """
        kept: Picture | _OnDisk = picture
        if on_disk:
            path = Path(self._folder.name, str(len(self._pictures)))
            try:
                np.ascontiguousarray(picture).tofile(path)
            except OSError as error:
                raise DustbustError(
                    "{folder}: has no room for the decoded scans ({reason}); set TMPDIR to a "
                    "folder that has",
                    folder=self._folder.name,
                    reason=error.strerror or error,
                ) from error
            kept = _OnDisk(path, picture.dtype, picture.shape)
        self._pictures.append(kept)

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
            else np.memmap(picture.path, picture.dtype, "r", shape=picture.shape)
        )

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of all pictures, without reading them."""
        return [picture.shape for picture in self._pictures]
