"""The user's work is theirs: what somebody changed is never replaced unasked."""

import os

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.batch.clean import plan_frames
from dustbust.batch.journal import JOURNAL_NAME, Journal
from dustbust.batch.receipt import RECEIPT_NAME, Receipt, checksum, verify
from dustbust.files.read import open_frame


@pytest.fixture
def mask():
    dust = np.zeros((60, 80), np.float32)
    dust[20:24, 30:34] = dust[40:43, 60:63] = 1
    return dustbust.DustMask(dust, 0.5)


@pytest.fixture
def other_mask(mask):
    dust = mask.grey.copy()
    dust[50:53, 10:13] = 1
    return dustbust.DustMask(dust, 0.5)


@pytest.fixture
def run(tmp_path):
    """A folder with four frames."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("1.jpg", "2.jpg", "3.png", "4.tif"):
        Image.fromarray(rng.integers(60, 200, (60, 80, 3), np.uint8)).save(folder / name)
    return folder


def edit(path):
    """Crop a picture, as somebody does who goes on with a cleaned frame."""
    with Image.open(path) as opened:
        opened.load()
        opened.crop((5, 5, 70, 50)).save(path)
    return path.read_bytes()


def names(paths):
    return [path.name for path in paths]


@pytest.mark.parametrize("name", ["1.jpg", "3.png", "4.tif"])
def test_edited_outputs_are_kept_with_the_same_and_with_another_mask(run, mask, other_mask, name):
    folder = dustbust.clean_frames(run, mask).folder
    mine = edit(folder / name)
    again = dustbust.clean_frames(run, mask)
    assert (names(again.written), names(again.edited)) == ([], [name])
    assert len(again.skipped) == 4
    assert (folder / name).read_bytes() == mine
    other = dustbust.clean_frames(run, other_mask)
    assert len(other.written) == 3
    assert names(other.edited) == [name]
    assert not other.failed
    assert (folder / name).read_bytes() == mine
    third = dustbust.clean_frames(run, other_mask)
    assert names(third.edited) == [name]
    assert (folder / name).read_bytes() == mine


def test_an_edit_of_the_same_size_and_time_is_noticed(run, mask, other_mask):
    folder = dustbust.clean_frames(run, mask).folder
    path, before = folder / "4.tif", (folder / "4.tif").stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert names(dustbust.clean_frames(run, other_mask).edited) == ["4.tif"]
    assert path.read_bytes() == data


def test_edited_outputs_are_replaced_when_asked_for(run, mask):
    folder = dustbust.clean_frames(run, mask).folder
    mine = edit(folder / "1.jpg")
    assert len(dustbust.clean_frames(run, mask, exists="overwrite").written) == 4
    assert open_frame(folder / "1.jpg").pixels.shape == (60, 80, 3)
    assert verify(folder) == []
    mine = edit(folder / "1.jpg")
    renamed = dustbust.clean_frames(run / "1.jpg", mask, exists="rename")
    assert names(renamed.written) == ["1-2.jpg"]
    assert (folder / "1.jpg").read_bytes() == mine


def test_the_kinds_are_counted_before_anything_is_written(run, mask, other_mask):
    folder = dustbust.clean_frames(run, mask).folder
    edit(folder / "1.jpg")
    (folder / "2.jpg").unlink()
    there = {path: path.read_bytes() for path in folder.iterdir()}
    plan = plan_frames(run, other_mask)
    assert {path: path.read_bytes() for path in folder.iterdir()} == there
    assert names(plan.new) == ["2.jpg"]
    assert names(plan.edited) == ["1.jpg"]
    assert names(plan.outdated) == ["3.png", "4.tif"]
    assert (plan.up_to_date, plan.failed) == ([], {})
    assert plan.summary() == ("1 new, 2 made with another mask or other settings, 1 changed by you")
    assert names(plan_frames(run, mask).up_to_date) == ["3.png", "4.tif"]
    announced = []

    def announce(plan):
        announced.append(plan)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        dustbust.clean_frames(run, other_mask, announce=announce)
    assert announced[0].outdated == plan.outdated
    assert {path: path.read_bytes() for path in there} == there
    assert names(plan_frames(run, mask, "elsewhere").new) == names(sorted(run.glob("*.*")))
    assert not (run / "elsewhere").exists()


def test_an_output_that_is_changed_while_the_batch_runs_is_kept(run, mask, other_mask):
    folder = dustbust.clean_frames(run, mask).folder

    def progress(fraction, name):
        if name == "1.jpg":
            (folder / "4.tif").write_bytes(b"mine")
            (folder / "3.png").unlink()

    report = dustbust.clean_frames(run, other_mask, progress=progress, threads=1)
    assert names(report.failed) == ["3.png", "4.tif"]
    assert (folder / "4.tif").read_bytes() == b"mine"
    assert not (folder / "3.png").exists()
    assert sorted(names(folder.iterdir())) == ["1.jpg", "2.jpg", "4.tif", RECEIPT_NAME]


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_batch_that_is_killed_while_it_renews_keeps_edits_and_finishes(
    run, mask, other_mask, at, monkeypatch
):
    """Killed between the line in the journal and the rename, or right after it."""
    folder = dustbust.clean_frames(run, mask).folder
    real = os.replace

    class Killed(BaseException):
        pass

    def replace(source, target):
        if str(target).endswith("3.png"):
            if at == "after":
                real(source, target)
            raise Killed
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        patched.setattr(Journal, "close", lambda self: self.file.close())
        with pytest.raises(Killed):
            dustbust.clean_frames(run, other_mask, threads=1)
    assert (folder / JOURNAL_NAME).exists()
    again = dustbust.clean_frames(run, other_mask)
    assert again.edited == []
    assert names(again.written) == (["3.png", "4.tif"] if at == "before" else ["4.tif"])
    assert verify(folder) == []


def test_an_output_that_cannot_get_its_name_is_known_as_it_was(run, mask, other_mask, monkeypatch):
    folder = dustbust.clean_frames(run, mask).folder
    before = checksum(folder / "3.png")
    real = os.replace

    def replace(source, target):
        if str(target).endswith("3.png"):
            raise PermissionError(13, "Permission denied")
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        report = dustbust.clean_frames(run, other_mask)
    assert names(report.failed) == ["3.png"]
    assert checksum(folder / "3.png") == before
    assert Receipt.load(folder / RECEIPT_NAME).files["3.png"]["sha256"] == before
    assert names(dustbust.clean_frames(run, other_mask).written) == ["3.png"]


@pytest.mark.parametrize("what", ["a copy", "a link that leads nowhere", "a folder"])
def test_what_lies_where_an_output_was_is_kept(run, mask, other_mask, what, tmp_path):
    """Also a link to the very bytes of the output, which is somebody's archive."""
    folder = dustbust.clean_frames(run, mask).folder
    output, archive = folder / "3.png", tmp_path / "archive.png"
    output.rename(archive)
    if what == "a folder":
        output.mkdir()
    else:
        output.symlink_to(archive)
    before = archive.read_bytes()
    if what == "a link that leads nowhere":
        archive.unlink()
    for dust in (mask, other_mask):
        cleaned = dustbust.clean_frames(run, dust)
        assert output not in cleaned.written
        assert names(cleaned.edited) == ["3.png"]
        assert output.is_dir() if what == "a folder" else output.is_symlink()
        assert not archive.exists() or archive.read_bytes() == before
