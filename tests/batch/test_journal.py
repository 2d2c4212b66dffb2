"""A journal has one owner, and what strangers put into it or in its place does no harm."""

import errno
import fcntl
import os

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.batch.journal import JOURNAL_NAME, Journal, Records
from dustbust.batch.receipt import RECEIPT_NAME, Receipt

ENTRY = {"frame": "/1.jpg", "size": 1, "sha256": "0", "batch": 0}


def test_a_journal_that_is_removed_between_opening_and_locking_is_opened_again(
    tmp_path, monkeypatch
):
    first = Journal(tmp_path)
    real = fcntl.flock

    def flock(file, how):
        if not first.file.closed:
            first.close()
        return real(file, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", flock)
        second = Journal(tmp_path)
    assert os.fstat(second.file.fileno()).st_nlink == 1
    with pytest.raises(dustbust.DustbustError, match="another batch"):
        Journal(tmp_path)
    second.close()
    Journal(tmp_path).close()


@pytest.mark.parametrize("make", ["link", "pipe", "folder"])
def test_a_journal_that_is_no_file_is_refused_at_once_and_not_written_to(tmp_path, make):
    (tmp_path / "letter").write_text("Dear Sir")
    path = tmp_path / JOURNAL_NAME
    if make == "link":
        path.symlink_to(tmp_path / "letter")
    elif make == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    problem = {"link": "is a link", "pipe": "not a file", "folder": "directory"}[make]
    with pytest.raises(OSError, match=problem):
        Journal(tmp_path)
    assert (tmp_path / "letter").read_text() == "Dear Sir"


def test_a_receipt_that_is_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / RECEIPT_NAME)
    with pytest.raises(dustbust.DustbustError, match="not a file"):
        Journal(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        b'{"batch": 7}',
        b'{"batch": [1]}',
        b'{"done": 5, "entry": {}}',
        b'{"done": "a\\u0000b", "entry": {"frame": "", "size": 1, "sha256": "", "batch": 0}}',
        b'{"done": "\\ud800", "entry": {"frame": "", "size": 1, "sha256": "", "batch": 0}}',
        b'{"done": "a.jpg", "entry": {"frame": "", "size": true, "sha256": "", "batch": 0}}',
        b'{"undone": []}',
        b'{"undone": "b.jpg"}',
        b"5",
        b"null",
        b"\xff\xfe",
        b"[" * 100000,
        b'{"batch": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda line: repr(line[:50]),
)
def test_lines_of_strangers_are_passed_over(tmp_path, line):
    good = Journal(tmp_path)
    good.begin_batch({"version": "1"})
    good.done("1.jpg", ENTRY)
    good.file.write(line + b"\n")
    good.file.close()
    journal = Journal(tmp_path)
    journal.done("2.jpg", ENTRY)
    journal.close()
    receipt = Receipt.load(tmp_path / RECEIPT_NAME)
    assert receipt.batches == [{"version": "1"}]
    assert receipt.files == {"1.jpg": ENTRY, "2.jpg": ENTRY}
    assert not (tmp_path / JOURNAL_NAME).exists()


def test_records_know_what_an_output_was_before_the_interrupted_batch(tmp_path):
    Receipt([{"version": "1"}], {"1.jpg": ENTRY}).save(tmp_path / RECEIPT_NAME)
    journal = Journal(tmp_path)
    newer = {**ENTRY, "sha256": "1"}
    journal.done("1.jpg", newer)
    journal.file.close()
    records = Records.of(tmp_path)
    assert records.entries("1.jpg") == [newer, ENTRY]
    assert records.entries("2.jpg") == []
    again = Journal(tmp_path)
    newest = {**ENTRY, "sha256": "2"}
    again.done("1.jpg", newest)
    assert again.entries("1.jpg") == [newest, newer, ENTRY]
    again.undone("1.jpg")
    again.undone("1.jpg")
    again.close()
    assert Receipt.load(tmp_path / RECEIPT_NAME).files == {"1.jpg": ENTRY}


def test_the_first_line_of_an_interrupted_batch_counts(tmp_path):
    """The only one that says how the outputs after it were made."""
    journal = Journal(tmp_path)
    journal.begin_batch({"version": "1"})
    journal.done("1.jpg", ENTRY)
    journal.file.close()
    again = Journal(tmp_path)
    assert again.receipt.batches == [{"version": "1"}]
    assert again.receipt.files == {"1.jpg": ENTRY}
    again.close()


def test_a_receipt_that_cannot_be_written_is_said_and_made_by_the_next_batch(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    for name in ("1.png", "2.png"):
        Image.fromarray(rng.integers(0, 255, (20, 30), np.uint8)).save(tmp_path / name)
    mask = dustbust.DustMask(np.eye(20, 30, dtype=np.float32), 0.5)

    def fail(receipt, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Receipt, "save", fail)
        cleaned = dustbust.clean_frames(tmp_path, mask)
    assert len(cleaned.written) == 2
    [(path, sentence)] = cleaned.failed.items()
    assert path == cleaned.folder / RECEIPT_NAME
    assert "No space left" in sentence
    again = dustbust.clean_frames(tmp_path, mask)
    assert len(again.skipped) == 2
    assert not again.failed
    assert set(Receipt.load(path).files) == {"1.png", "2.png"}
    assert not list(cleaned.folder.glob(".*"))


def test_a_batch_that_cannot_begin_leaves_no_journal(tmp_path):
    (tmp_path / RECEIPT_NAME).write_text("not a receipt")
    with pytest.raises(dustbust.DustbustError, match="is not a receipt"):
        Journal(tmp_path)
    assert not (tmp_path / JOURNAL_NAME).exists()


@pytest.mark.skipif(os.sep != "/", reason="a name cannot hold a backslash here")
def test_a_name_with_a_backslash_is_recorded(tmp_path):
    Image.fromarray(np.full((9, 9), 100, np.uint8)).save(tmp_path / "roll\\1.png")
    dust = np.zeros((9, 9), bool)
    dust[4, 4] = True
    for _ in range(2):
        report = dustbust.clean_frames(tmp_path, dust)
        assert not report.failed
    assert [path.name for path in report.skipped] == ["roll\\1.png"]
    assert list(Receipt.load(report.folder / RECEIPT_NAME).files) == ["roll\\1.png"]
