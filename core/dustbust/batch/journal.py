"""The journal of a batch: what was done so far, so that an interrupted batch goes on."""

import json
from pathlib import Path

from ..errors import DustbustError
from .receipt import RECEIPT_NAME, Receipt, check_entry

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two batches from one folder
    fcntl = None
JOURNAL_NAME = ".dustbust-journal"


class Journal:
    """The journal of the batch that is writing into a folder; only one can at a time.

    Attributes
    ----------
    receipt : what is known so far: the receipt of the folder and what an interrupted batch wrote down.
    begun : names of the outputs that an interrupted batch had begun, done or not.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.file = open(self.folder / JOURNAL_NAME, "a+b")
        try:
            if fcntl:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.file.close()
            raise DustbustError(
                "{folder}: another batch is writing into this folder; wait for it, or choose another folder",
                folder=folder,
            ) from error
        except OSError:
            pass  # a file system without locks
        try:
            self.receipt = (
                Receipt.load(self.folder / RECEIPT_NAME)
                if (self.folder / RECEIPT_NAME).exists()
                else Receipt()
            )
            self.begun = set()
            self._replay()
        except BaseException:
            self.file.close()
            raise

    def _replay(self):
        self.file.seek(0)
        for line in self.file:
            try:
                item = json.loads(line)
                if "batch" in item:
                    self.receipt.batches.append(item["batch"])
                elif "begin" in item:
                    self.begun.add(item["begin"])
                else:
                    check_entry(item["done"], item["entry"], len(self.receipt.batches))
                    self.receipt.files[item["done"]] = item["entry"]
            except (ValueError, KeyError, TypeError):
                pass  # the line during which the batch was interrupted
        # A torn last line must not swallow the next one.
        self.file.write(b"\n")

    def _write(self, item):
        self.file.write(json.dumps(item).encode("ascii") + b"\n")
        self.file.flush()

    def begin_batch(self, batch):
        """Note a new batch; gives its index."""
        if batch in self.receipt.batches:
            return self.receipt.batches.index(batch)
        self.receipt.batches.append(batch)
        self._write({"batch": batch})
        return len(self.receipt.batches) - 1

    def begin(self, name):
        """Note that an output is about to be written."""
        self._write({"begin": name})

    def done(self, name, entry):
        """Note that an output is complete."""
        self.receipt.files[name] = entry
        self._write({"done": name, "entry": entry})

    def close(self):
        """Turn the journal into the receipt."""
        try:
            if self.receipt.files:
                self.receipt.save(self.folder / RECEIPT_NAME)
            (self.folder / JOURNAL_NAME).unlink(missing_ok=True)
        finally:
            self.file.close()
