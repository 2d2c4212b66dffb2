"""Many scans at once: those that come from files wait on disk, decoded, and are mapped into memory only while they are looked at."""

import tempfile
from pathlib import Path

import numpy as np

from ..errors import DustbustError


class Spool:
    """A sequence of pictures. As a context manager it leaves nothing behind, whatever happens.

    The temporary files lie where `tempfile` puts them ($TMPDIR).
    """

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="dustbust-", ignore_cleanup_errors=True)
        self._pictures = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._pictures.clear()
        self._folder.cleanup()

    def add(self, picture, *, on_disk):
        """Keep a picture, which is the caller's own, or (`on_disk`) belongs to nobody else."""
        if on_disk:
            path = Path(self._folder.name, str(len(self._pictures)))
            try:
                np.ascontiguousarray(picture).tofile(path)
            except OSError as error:
                raise DustbustError(
                    "{folder}: has no room for the decoded scans ({reason}); set TMPDIR to a folder that has",
                    folder=self._folder.name,
                    reason=error.strerror or error,
                ) from error
            picture = (path, picture.dtype, picture.shape)
        self._pictures.append(picture)

    def __len__(self):
        return len(self._pictures)

    def __getitem__(self, index):
        """The picture; one on disk is a new read-only map of its file, whose memory is free again when it is dropped."""
        picture = self._pictures[index]
        return (
            picture
            if isinstance(picture, np.ndarray)
            else np.memmap(picture[0], picture[1], "r", shape=picture[2])
        )

    @property
    def shapes(self):
        return [
            picture.shape if isinstance(picture, np.ndarray) else picture[2]
            for picture in self._pictures
        ]
