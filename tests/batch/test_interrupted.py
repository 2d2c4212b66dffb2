"""A batch that is killed, or whose disk is full, leaves whole files only, and is continued.

So does estimating or stacking. DUSTBUST_KILLS says how many times each is killed (the tests kill a
few, 200 take minutes). They fork, so they run in processes of their own:

    python tests/batch/test_interrupted.py {apply,estimate,stack} FOLDER KILLS
"""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import dustbust
from dustbust.batch import clean, worker
from dustbust.batch.journal import JOURNAL_NAME, Journal, Records
from dustbust.batch.receipt import RECEIPT_NAME as NAME
from dustbust.batch.receipt import Receipt, verify
from dustbust.files.write import write_picture
from dustbust.restoration.apply import Cleaner

FRAMES = 50


def make_run(folder, count):
    """Frames of three formats, and a mask."""
    rng = np.random.default_rng(3)
    folder.mkdir()
    for index in range(count):
        pixels = rng.integers(60, 200, (60, 80, 3), np.uint8)
        if index % 3 == 0:
            tifffile.imwrite(
                folder / f"{index}.tif",
                pixels.astype(np.uint16) * 250,
                compression="lzw",
                photometric="rgb",
                metadata=None,
            )
        else:
            Image.fromarray(pixels).save(folder / f"{index}.{('png', 'jpg')[index % 3 - 1]}")
    grey = np.zeros((60, 80), np.float32)
    grey[20:24, 30:34] = grey[40:43, 60:63] = 1
    return dustbust.DustMask(grey, 0.5)


def outputs(folder):
    """Name -> bytes of what a person sees in a folder."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name != NAME
    }


def kill_many(folder, kills):
    """Kill a batch at random moments, check what is there, finish it, check again."""
    mask = make_run(folder / "scans", FRAMES)
    begin = time.perf_counter()
    right = outputs(dustbust.clean_frames(folder / "scans", mask, "right").folder)
    duration = time.perf_counter() - begin
    assert len(right) == FRAMES
    rng = random.Random(11)
    unfinished = 0
    for kill in range(kills):
        child = os.fork()
        if child == 0:
            try:
                dustbust.clean_frames(folder / "scans", mask, f"out{kill}", threads=2)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0, duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        out = folder / "scans" / f"out{kill}"
        if out.exists():
            there = outputs(out)
            assert all(content == right[name] for name, content in there.items()), (
                f"kill {kill}: a file is not whole"
            )
            unfinished += len(there) < FRAMES
            if (out / NAME).exists():
                Receipt.load(out / NAME)
        again = dustbust.clean_frames(folder / "scans", mask, out)
        assert not again.failed, f"kill {kill}: {again.failed}"
        assert outputs(out) == right, f"kill {kill}: the second run did not finish it"
        assert sorted(path.name for path in out.iterdir()) == sorted([*right, NAME])
        assert verify(out) == []
        assert set(Receipt.load(out / NAME).files) == set(right)
    return unfinished


def make_mask(folder, target):
    """A mask of the sample run."""
    frames = sorted((Path(__file__).parents[1] / "samples" / "run").glob("frame*.jpg"))
    dustbust.estimate_mask(frames, threads=1).save(target)


def make_page(folder, target):
    """The mean of twelve scans, which wait decoded in files."""
    scans = [folder / f"{number}.png" for number in range(12)]
    for number, path in enumerate(scans):
        if not path.exists():
            rng = np.random.default_rng(number)
            Image.fromarray(rng.integers(0, 256, (600, 800), np.uint8)).save(path)
    page = dustbust.stack_scans(scans, mode="mean", align=False)
    write_picture(target, page, inputs=scans)


def kill_one_file(make, folder, kills):
    """Kill the making of one file at random moments; how many times there was no file yet."""
    make(folder, folder / "right.png")
    begin = time.perf_counter()
    make(folder, folder / "again.png")
    duration = time.perf_counter() - begin
    right = (folder / "right.png").read_bytes()
    assert (folder / "again.png").read_bytes() == right
    temporary = folder / "temporary"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    rng = random.Random(12)
    unfinished = 0
    for kill in range(kills):
        target = folder / f"made-{kill}.png"
        child = os.fork()
        if child == 0:
            try:
                make(folder, target)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0, 1.1 * duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert not list(temporary.iterdir()), f"kill {kill}: something stayed behind"
        if target.exists():
            assert target.read_bytes() == right, f"kill {kill}: the file is not whole"
            target.unlink()
        else:
            unfinished += 1
        assert len(list(folder.glob(".dustbust-*"))) <= 1, "leftovers of earlier kills stayed"
    make(folder, folder / "right.png")
    assert not list(folder.glob(".dustbust-*")), "the leftover of the last kill stayed"
    return unfinished


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.parametrize("action", ["estimate", "stack"])
def test_killed_estimate_or_stack_leaves_a_whole_file_or_none(tmp_path, action):
    kills = int(os.environ.get("DUSTBUST_KILLS", 8))
    done = subprocess.run(
        [sys.executable, __file__, action, tmp_path, str(kills)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) >= kills // 4  # so many were really interrupted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_killed_batch_leaves_whole_files_and_is_finished_by_the_next(tmp_path):
    kills = int(os.environ.get("DUSTBUST_KILLS", 8))
    done = subprocess.run(
        [sys.executable, __file__, "apply", tmp_path, str(kills)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) >= kills // 4  # so many were really interrupted


def test_journal_of_another_batch_is_respected(tmp_path):
    mask = make_run(tmp_path / "scans", 2)
    folder = tmp_path / "scans" / "out"
    folder.mkdir()
    journal = Journal(folder)
    with pytest.raises(dustbust.DustbustError, match="another batch"):
        dustbust.clean_frames(tmp_path / "scans", mask, folder)
    journal.close()
    assert len(dustbust.clean_frames(tmp_path / "scans", mask, folder).written) == 2


def test_torn_journal_is_read_as_far_as_it_goes(tmp_path):
    mask = make_run(tmp_path / "scans", 3)
    folder = tmp_path / "scans" / "out"
    folder.mkdir()
    (folder / JOURNAL_NAME).write_bytes(
        b'{"batch": {"version": "0"}}\n{"begin": "0.tif"}\nnonsense\n[1]\n'
        b'{"done": "../x", "entry": {}}\n{"done": "0.ti'
    )
    assert len(dustbust.clean_frames(tmp_path / "scans", mask, folder).written) == 3
    assert set(Receipt.load(folder / NAME).files) == {"0.tif", "1.png", "2.jpg"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_full_disk_stops_the_batch_with_a_sentence_and_nothing_half_written(
    tmp_path, monkeypatch, number
):
    mask = make_run(tmp_path / "scans", 40)
    written = []

    def flush(path):
        if len(written) == 4:
            raise OSError(number, os.strerror(number))
        written.append(path)

    with monkeypatch.context() as patched:
        patched.setattr(worker, "flush_to_disk", flush)
        patched.setattr(clean, "JOBS_AHEAD", 5)  # the others are not begun
        cleaned = dustbust.clean_frames(tmp_path / "scans", mask, threads=1)
    assert len(cleaned.written) == 4
    assert len(cleaned.failed) == 36
    assert all(os.strerror(number) in sentence for sentence in cleaned.failed.values())
    assert sum("the batch had to stop" in each for each in cleaned.failed.values()) >= 25
    assert len(outputs(cleaned.folder)) == 4
    assert not list(cleaned.folder.glob(".*"))
    assert len(dustbust.clean_frames(tmp_path / "scans", mask).written) == 36


def test_what_is_there_already_is_not_called_undone_when_the_disk_is_full(tmp_path, monkeypatch):
    mask = make_run(tmp_path / "scans", 9)
    first = dustbust.clean_frames(tmp_path / "scans", mask)
    missing = [first.written[0], first.written[5]]
    for path in missing:
        path.unlink()

    def flush(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(worker, "flush_to_disk", flush)
    cleaned = dustbust.clean_frames(tmp_path / "scans", mask, threads=1)
    assert cleaned.skipped == [path for path in first.written if path not in missing]
    assert [path.name for path in cleaned.failed] == [path.name for path in missing]
    assert set(outputs(cleaned.folder)) == {path.name for path in cleaned.skipped}


def test_a_frame_that_cannot_be_written_does_not_stop_the_batch(tmp_path, monkeypatch):
    mask = make_run(tmp_path / "scans", 9)
    calls = []

    def flush(path):
        calls.append(path)
        if len(calls) == 4:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(worker, "flush_to_disk", flush)
    cleaned = dustbust.clean_frames(tmp_path / "scans", mask, threads=1)
    assert len(cleaned.written) == 8
    [sentence] = cleaned.failed.values()
    assert os.strerror(errno.EIO) in sentence


def test_what_could_not_be_finished_takes_no_room(tmp_path, monkeypatch):
    """It is removed at once, not at the end of the batch."""
    mask = make_run(tmp_path / "scans", 3)

    def flush(path):
        assert path.stat().st_size > 0
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(worker, "flush_to_disk", flush)
    (tmp_path / "out").mkdir()
    for name in ("0.tif", "1.png", "2.jpg"):
        job = worker.Job(tmp_path / "scans" / name, tmp_path / "out" / name)
        done = worker.clean_file(job, Cleaner(mask), preserve_times=False, threads=1)
        assert os.strerror(errno.EIO) in done.problem
        assert list((tmp_path / "out").iterdir()) == []


def test_names_are_on_the_disk_before_the_journal_goes(tmp_path, monkeypatch):
    mask = make_run(tmp_path / "scans", 3)
    folder = tmp_path / "scans" / "out"
    seen = []
    fsync = os.fsync

    def watch(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            seen.append((len(outputs(folder)), (folder / JOURNAL_NAME).exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    dustbust.clean_frames(tmp_path / "scans", mask, folder)
    # The names of the outputs; then that of the receipt.
    assert seen[0] == (3, True)
    assert not (folder / JOURNAL_NAME).exists()


def test_what_follows_a_torn_line_of_the_journal_is_read(tmp_path):
    """A batch was killed while it wrote a line, and the next one was killed, too."""
    (tmp_path / JOURNAL_NAME).write_bytes(b'{"batch": {"version": "0"}}\n{"done": "0.ti')
    journal = Journal(tmp_path)
    number = journal.begin_batch({"version": "1"})
    entry = {"frame": "/1.png", "size": 1, "sha256": "0", "batch": number}
    journal.done("1.png", entry)
    journal.file.close()  # as the end of the process does
    records = Records.of(tmp_path)
    assert records.receipt.batches == [{"version": "0"}, {"version": "1"}]
    assert records.receipt.files == {"1.png": entry}


@pytest.mark.parametrize("folder", ["1.png/out", "/proc/dustbust"])
def test_folder_that_cannot_be_written_is_one_sentence(tmp_path, folder):
    mask = make_run(tmp_path / "scans", 2)
    with pytest.raises(dustbust.DustbustError, match="choose another folder"):
        dustbust.clean_frames(tmp_path / "scans", mask, folder)
    assert len(list((tmp_path / "scans").iterdir())) == 2


def test_folder_of_a_batch_of_which_nothing_came_is_not_left_behind(tmp_path):
    make_run(tmp_path / "scans", 2)
    cleaned = dustbust.clean_frames(tmp_path / "scans", dustbust.DustMask(np.ones((5, 5)), 0.5))
    assert len(cleaned.failed) == 2
    assert all("5 x 5" in sentence for sentence in cleaned.failed.values())
    assert not (tmp_path / "scans" / "cleanedphotos").exists()


if __name__ == "__main__":
    name, place, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if name == "apply":
        print(kill_many(place, number))
    else:
        print(kill_one_file({"estimate": make_mask, "stack": make_page}[name], place, number))
