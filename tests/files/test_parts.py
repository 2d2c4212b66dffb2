"""Temporary files of killed processes go with the next file, those in use stay."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from dustbust.files import locks, parts
from dustbust.files.write import new_file, write_picture

fcntl = pytest.importorskip("fcntl", reason="needs locks on files")

WRITER = """
import sys, time
from pathlib import Path
from dustbust.files.write import new_file
with new_file(Path(sys.argv[1])) as part:
    part.write_bytes(b"half a picture")
    print(part.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path):
    """Another process that is writing a.png, and the name of its temporary file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path / "a.png"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def write(folder):
    write_picture(folder / "b.png", np.zeros((3, 3), np.uint8))


def test_what_a_killed_process_left_goes_with_the_next_file(writer, tmp_path):
    process, part = writer
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.listdir(tmp_path) == [part]
    write(tmp_path)
    assert os.listdir(tmp_path) == ["b.png"]


def test_what_another_process_is_writing_stays_and_gets_its_name(writer, tmp_path):
    process, part = writer
    write(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [part, "b.png"]
    process.communicate()
    assert process.returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["a.png", "b.png"]
    assert (tmp_path / "a.png").read_bytes() == b"half a picture"


def test_what_this_process_is_writing_stays(tmp_path):
    with new_file(tmp_path / "a.png") as part:
        part.write_bytes(b"mine")
        write(tmp_path)
    assert (tmp_path / "a.png").read_bytes() == b"mine"


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    """Between the two, another process takes it for abandoned."""
    removed = []
    real = fcntl.flock

    def flock(descriptor, kind):
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        real(descriptor, kind)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", flock)
        write(tmp_path)
    assert len(removed) == 1
    assert os.listdir(tmp_path) == ["b.png"]


def test_a_file_that_another_process_holds_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    held = []
    real = fcntl.flock

    def flock(descriptor, kind):
        if not held:
            held.append(os.open(next(tmp_path.iterdir()), os.O_RDWR))
            real(held[0], kind)
        real(descriptor, kind)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", flock)
        write(tmp_path)
    assert (tmp_path / "b.png").exists()
    os.close(held[0])
    write(tmp_path)
    assert os.listdir(tmp_path) == ["b.png"]


@pytest.mark.parametrize("without", ["module", "file system"])
def test_without_locks_files_are_written_and_leftovers_stay(tmp_path, monkeypatch, without):
    leftover = tmp_path / f".dustbust-{16 * 'a'}.part"
    leftover.write_bytes(b"perhaps in use")
    if without == "module":
        monkeypatch.setattr(locks, "fcntl", None)
    else:

        def refuse(descriptor, kind):
            raise OSError("no locks here")

        monkeypatch.setattr(fcntl, "flock", refuse)
    write(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [leftover.name, "b.png"]


def test_what_only_looks_like_a_leftover_stays(tmp_path):
    """Files of a batch, whose workers may be elsewhere; links, folders and pipes."""
    name = ".dustbust-{}.part".format
    (tmp_path / "letter").write_text("Dear Sir")
    (tmp_path / name(16 * "1")).symlink_to(tmp_path / "letter")
    (tmp_path / name(16 * "2")).mkdir()
    os.mkfifo(tmp_path / name(16 * "3"))
    for text in ("batch-" + 16 * "4", 15 * "5", 16 * "x"):
        (tmp_path / name(text)).write_text("Dear Sir")
    before = sorted(os.listdir(tmp_path))
    parts.remove_abandoned(tmp_path)
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "letter").read_text() == "Dear Sir"
