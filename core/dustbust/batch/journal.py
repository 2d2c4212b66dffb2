"""The journal of a batch: the results so far, from which an interrupted batch continues."""

import errno
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import DustbustError
from ..files.locks import has_name, try_lock
from ..files.paths import check_regular
from .receipt import RECEIPT_NAME, Batch, Entry, Receipt, check_entry

JOURNAL_NAME = ".dustbust-journal"


class Records:
    """The records of the outputs in a folder.

    Attributes
    ----------
    receipt : Receipt
        The receipt of the folder with the results of an interrupted batch.
    replaced : dict of str to list of dict
        Name of an output -> its earlier entries. A batch notes an output before it renames the
        file, so after an interruption the file may still be the previous one.
    """

    def __init__(self, folder: Path, journal: bytes) -> None:
        path = folder / RECEIPT_NAME
        self.receipt = Receipt.load(path) if os.path.lexists(path) else Receipt()
        self.replaced: dict[str, list[Entry]] = {}
        for line in journal.splitlines():
            # The last line may be incomplete, and other lines may hold any text.
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                self._replay(json.loads(line))

    @classmethod
    def of(cls, folder: Path) -> "Records":
        """The records of a folder, read without becoming the owner of its journal."""
        path = folder / JOURNAL_NAME
        if not path.is_file():
            return cls(folder, b"")
        try:
            return cls(folder, path.read_bytes())
        except OSError as error:
            raise DustbustError(
                "{path}: cannot be read ({error})", path=path, error=error
            ) from error

    def entries(self, name: str) -> list[Entry]:
        """All entries that may describe the output of this name, the newest first."""
        newest = self.receipt.files.get(name)
        return [*([newest] if newest else []), *self.replaced.get(name, [])[::-1]]

    def _replay(self, item: dict[str, Any]) -> None:
        if "batch" in item:
            if not isinstance(item["batch"], dict):
                raise ValueError("a batch must be an object")
            self.receipt.batches.append(item["batch"])
        elif "done" in item:
            check_entry(item["done"], item["entry"], len(self.receipt.batches))
            self._note(item["done"], item["entry"])
        elif "undone" in item and item["undone"] in self.receipt.files:
            self._withdraw(item["undone"])

    def _note(self, name: str, entry: Entry) -> None:
        if name in self.receipt.files:
            self.replaced.setdefault(name, []).append(self.receipt.files[name])
        self.receipt.files[name] = entry

    def _withdraw(self, name: str) -> None:
        del self.receipt.files[name]
        if self.replaced.get(name):
            self.receipt.files[name] = self.replaced[name].pop()


class Journal(Records):
    """The journal of the batch that writes into a folder. Only one batch can own it.

    Parameters
    ----------
    folder : path-like
        The folder of the outputs.

    Raises
    ------
    DustbustError
        If another batch is at work in the folder, or its receipt is damaged.
    OSError
        If the folder cannot be written to.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.file = self._own()
        try:
            self.file.seek(0)
            super().__init__(self.folder, self.file.read())
            self.file.write(b"\n")  # ends an incomplete last line, so that the next is separate
        except BaseException:
            if not os.fstat(self.file.fileno()).st_size:  # a new one, in which nothing is noted
                with suppress(OSError):
                    (self.folder / JOURNAL_NAME).unlink()
            self.file.close()
            raise

    def _own(self) -> BinaryIO:
        """Open and lock the journal.

        Its former owner may have removed it between opening and locking: the lock is then on a
        file that no longer has a name, and the next batch would lock another one.
        """
        path = self.folder / JOURNAL_NAME
        while True:
            file = _open_to_append(path)
            try:
                try_lock(file.fileno())  # without locks, two batches can write into one folder
                if has_name(file.fileno(), path):
                    return file
            except BlockingIOError as error:
                file.close()
                raise DustbustError(
                    "{folder}: another batch is writing into this folder; wait for it, "
                    "or choose another folder",
                    folder=self.folder,
                ) from error
            except BaseException:
                file.close()
                raise
            file.close()

    def _write(self, item: dict[str, Any]) -> None:
        self.file.write(json.dumps(item).encode("ascii") + b"\n")
        self.file.flush()

    def begin_batch(self, batch: Batch) -> int:
        """Note a new batch and return its index."""
        if batch in self.receipt.batches:
            return self.receipt.batches.index(batch)
        self.receipt.batches.append(batch)
        self._write({"batch": batch})
        return len(self.receipt.batches) - 1

    def done(self, name: str, entry: Entry) -> None:
        """Note that an output is complete and will get its name next."""
        self._write({"done": name, "entry": entry})
        self._note(name, entry)

    def undone(self, name: str) -> None:
        """Note that an output did not get its name after all."""
        self._write({"undone": name})
        self._withdraw(name)

    def close(self) -> None:
        """Turn the journal into the receipt."""
        try:
            if self.receipt.files:
                self.receipt.save(self.folder / RECEIPT_NAME)
            (self.folder / JOURNAL_NAME).unlink(missing_ok=True)
        finally:
            self.file.close()


def _open_to_append(path: Path) -> BinaryIO:
    """Open a file to read and append; a link, a pipe or a device in its place is refused."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise OSError(errno.ELOOP, f"{path.name} is a link") from error
    try:
        check_regular(descriptor)
        return os.fdopen(descriptor, "a+b")
    except BaseException:
        os.close(descriptor)
        raise
