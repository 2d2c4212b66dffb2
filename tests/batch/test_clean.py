"""A batch does to people's files what it says, and nothing else."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.batch.receipt import verify
from dustbust.files.read import open_frame
from dustbust.restoration.apply import Cleaner


@pytest.fixture
def mask():
    dust = np.zeros((60, 80), np.float32)
    dust[20:24, 30:34] = dust[40:43, 60:63] = 1
    return dustbust.DustMask(dust, 0.5)


@pytest.fixture
def run(tmp_path):
    """A folder with five frames: two JPEGs, two PNGs, a TIFF."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "scans"
    folder.mkdir()
    for _index, name in enumerate(("1.jpg", "2.jpg", "3.png", "4.png", "10.tif")):
        Image.fromarray(rng.integers(60, 200, (60, 80, 3), np.uint8)).save(folder / name)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_cleaned_files_are_beside_the_frames_and_frames_are_as_they_were(run, mask):
    before = contents(run)
    cleaned = dustbust.clean_frames(run, mask)
    assert [path.name for path in cleaned.written] == ["1.jpg", "2.jpg", "3.png", "4.png", "10.tif"]
    assert cleaned.folder == run / "cleanedphotos"
    assert not cleaned.failed
    assert contents(run) == before
    clean = open_frame(run / "cleanedphotos" / "3.png").pixels
    assert np.array_equal(clean, dustbust.apply_mask(open_frame(run / "3.png").pixels, mask))


def test_one_bad_file_is_reported_and_the_others_are_done(run, mask):
    (run / "2.jpg").write_text("not a picture")
    (run / "3.png").write_bytes((run / "3.png").read_bytes()[:3000])
    Image.new("RGB", (10, 10)).save(run / "4.png")
    cleaned = dustbust.clean_frames(run, mask)
    assert [path.name for path in cleaned.written] == ["1.jpg", "10.tif"]
    assert [path.name for path in cleaned.failed] == ["2.jpg", "3.png", "4.png"]
    assert all(
        name in sentence
        for name, sentence in zip(("2.jpg", "3.png", "4.png"), cleaned.failed.values(), strict=True)
    )
    assert not (run / "cleanedphotos" / "2.jpg").exists()


def test_a_frame_that_is_a_circular_link_is_reported(run, mask):
    (run / "5.png").symlink_to("5.png")
    cleaned = dustbust.clean_frames([run / "1.jpg", run / "5.png"], mask)
    assert [path.name for path in cleaned.written] == ["1.jpg"]
    assert "5.png" in cleaned.failed[run / "5.png"]


def test_frames_that_can_only_be_read_are_told_before_the_work(run, mask, monkeypatch):
    pixels = Image.fromarray(open_frame(run / "3.png").pixels)
    pixels.convert("1").save(run / "3.png")
    pixels.convert("1").save(run / "5.tif", compression="tiff_lzw")
    pixels.save(run / "6.tif", compression="jpeg")
    pixels.convert("L").save(run / "7.tif", tiffinfo={266: 2})  # the order of its bits
    only_read = [run / name for name in ("3.png", "5.tif", "6.tif", "7.tif")]
    plans, begun = [], []
    in_place = Cleaner.in_place

    def noted(self, pixels, name, threads):
        begun.append(Path(name).name)
        return in_place(self, pixels, name=name, threads=threads)

    monkeypatch.setattr(Cleaner, "in_place", noted)
    cleaned = dustbust.clean_frames(run, mask, announce=plans.append)
    assert sorted(plans[0].failed) == sorted(cleaned.failed) == only_read
    assert sorted(begun) == ["1.jpg", "10.tif", "2.jpg", "4.png"]
    assert len(cleaned.written) == 4
    for path in only_read:  # an output that is kept is no reason to fail
        shutil.copy(path, cleaned.folder / path.name)
    assert not dustbust.clean_frames(run, mask).failed


def test_second_run_does_only_what_is_missing(run, mask):
    first = dustbust.clean_frames(run, mask)
    (first.folder / "4.png").unlink()
    times = {
        path: path.stat().st_mtime_ns for path in first.folder.iterdir() if path.suffix != ".json"
    }
    second = dustbust.clean_frames(run, mask)
    assert [path.name for path in second.written] == ["4.png"]
    assert len(second.skipped) == 4
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_outputs_are_made_again_when_mask_settings_or_frame_changed(run, mask):
    dustbust.clean_frames(run, mask)
    assert len(dustbust.clean_frames(run, mask, method="fill").written) == 5
    other = dustbust.DustMask(mask.grey, 0.4)
    assert len(dustbust.clean_frames(run, other, method="fill").written) == 5
    shutil.copy(run / "2.jpg", run / "1.jpg")
    assert [path.name for path in dustbust.clean_frames(run, other, method="fill").written] == [
        "1.jpg"
    ]


def test_files_of_others_are_not_replaced_unless_asked_for(run, mask):
    folder = run / "cleanedphotos"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"mine")
    shutil.copy(run / "2.jpg", folder / "2.jpg")
    os.utime(folder / "2.jpg", (0, 0))
    shutil.copy(run / "3.png", folder / "3.png")
    cleaned = dustbust.clean_frames(run, mask)
    assert [path.name for path in cleaned.failed] == ["1.jpg", "2.jpg"]
    assert [path.name for path in cleaned.skipped] == ["3.png"]
    assert (folder / "1.jpg").read_bytes() == b"mine"
    cleaned = dustbust.clean_frames(run / "1.jpg", mask, exists="rename")
    assert [path.name for path in cleaned.written] == ["1-2.jpg"]
    cleaned = dustbust.clean_frames(run, mask, exists="overwrite")
    assert len(cleaned.written) == 5
    assert not cleaned.failed
    assert open_frame(folder / "1.jpg").pixels.shape == (60, 80, 3)


@pytest.mark.parametrize("folder", [".", "x/..", "../scans", "link", "../SCANS/../scans"])
def test_folder_of_the_frames_is_refused_by_any_name(run, mask, folder):
    (run / "x").mkdir()
    (run / "link").symlink_to(run)
    (run.parent / "SCANS").mkdir()
    before = contents(run)
    with pytest.raises(dustbust.DustbustError, match="never written over"):
        dustbust.clean_frames(run / "1.jpg", mask, folder)
    assert contents(run) == before


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_output_that_is_the_frame_by_another_name_is_refused(run, mask, link):
    before = contents(run)
    (run / "out").mkdir()
    link(run / "1.jpg", run / "out" / "1.jpg")
    cleaned = dustbust.clean_frames([run / "1.jpg", run / "2.jpg"], mask, "out", exists="overwrite")
    assert list(cleaned.failed) == [run / "1.jpg"]
    assert "never written over" in cleaned.failed[run / "1.jpg"]
    assert contents(run) == before


def test_frames_that_are_links_do_not_open_a_way_to_the_originals(run, mask):
    links = run.parent / "links"
    links.mkdir()
    (links / "1.jpg").symlink_to(run / "1.jpg")
    with pytest.raises(dustbust.DustbustError, match="never written over"):
        dustbust.clean_frames(links / "1.jpg", mask, run)


def test_two_frames_with_one_name_are_refused(run, mask):
    (run / "b").mkdir()
    shutil.copy(run / "1.jpg", run / "b" / "1.jpg")
    with pytest.raises(dustbust.DustbustError, match="same name"):
        dustbust.clean_frames([run / "1.jpg", run / "b" / "1.jpg"], mask)


def test_receipt_says_how_each_file_was_made_and_verify_finds_what_changed(run, mask):
    cleaned = dustbust.clean_frames(run, mask, method="fill")
    receipt = json.loads((cleaned.folder / "dustbust-receipt.json").read_text())
    assert receipt["batches"][0]["settings"] == {"method": "fill"}
    assert set(receipt["files"]) == {"1.jpg", "2.jpg", "3.png", "4.png", "10.tif"}
    entry = receipt["files"]["3.png"]
    assert 0 < entry["changed"] < 0.1
    assert (entry["particles"], entry["filled"], entry["restored"], entry["absent"]) == (2, 2, 0, 0)
    assert verify(cleaned.folder) == []
    (cleaned.folder / "1.jpg").unlink()
    with open(cleaned.folder / "2.jpg", "r+b") as file:
        file.seek(700)
        file.write(b"x")
    with open(cleaned.folder / "3.png", "ab") as file:
        file.write(b"x")
    assert [problem.split("cleanedphotos")[1][:7] for problem in verify(cleaned.folder)] == [
        "/1.jpg:",
        "/2.jpg:",
        "/3.png:",
    ]


def test_times_of_the_frames_if_asked(run, mask):
    os.utime(run / "1.jpg", (1e9, 1e9))
    dustbust.clean_frames(run / "1.jpg", mask, preserve_times=True)
    assert (run / "cleanedphotos" / "1.jpg").stat().st_mtime == 1e9
    assert dustbust.clean_frames(run / "1.jpg", mask, preserve_times=True).skipped


def test_odd_names(run, mask):
    names = [
        "a b.png",
        "quote'\".png",
        "line\nend.png",
        os.fsdecode(b"latin-\xe9.png"),
        "UPPER.PNG",
        "-dash.png",
        "x" * 250 + ".png",
    ]
    for name in names:
        shutil.copy(run / "3.png", run / name)
    cleaned = dustbust.clean_frames([run / name for name in names], mask)
    assert not cleaned.failed
    assert {path.name for path in cleaned.folder.glob("*.[pP][nN][gG]")} == set(names)
    assert verify(cleaned.folder) == []
    assert len(dustbust.clean_frames([run / name for name in names], mask).skipped) == len(names)


def test_progress_is_in_the_order_of_the_run(run, mask):
    said = []
    dustbust.clean_frames(
        run, mask, progress=lambda fraction, text: said.append((fraction, text)), threads=4
    )
    assert said == [(0.2, "1.jpg"), (0.4, "2.jpg"), (0.6, "3.png"), (0.8, "4.png"), (1.0, "10.tif")]


def test_progress_counts_what_is_kept_and_what_failed(run, mask):
    (run / "2.jpg").write_text("no picture")
    (dustbust.clean_frames(run / "3.png", mask).folder / "1.jpg").write_text("mine")
    said = []
    cleaned = dustbust.clean_frames(run, mask, progress=lambda *step: said.append(step))
    assert (len(cleaned.written), len(cleaned.skipped), len(cleaned.failed)) == (2, 1, 2)
    assert said == [(0.2, "1.jpg"), (0.4, "2.jpg"), (0.6, "3.png"), (0.8, "4.png"), (1.0, "10.tif")]
    assert cleaned.done == 5
    verified = []
    verify(cleaned.folder, progress=lambda *step: verified.append(step))
    assert [fraction for fraction, _ in verified] == pytest.approx([1 / 3, 2 / 3, 1])
    assert {name for _, name in verified} == {"3.png", "4.png", "10.tif"}


def test_pixels_that_could_not_be_filled_are_said_of_each_file(run):
    dust = np.ones((60, 80), bool)
    cleaned = dustbust.clean_frames(run, dust, method="fill")
    assert len(cleaned.notes) == 5
    assert all("4800 pixels could not be filled" in notes[0] for notes in cleaned.notes.values())


def test_one_frame_that_is_missing_is_named_alone(tmp_path):
    with pytest.raises(dustbust.DustbustError, match=r"gone\.jpg: there is no such file$"):
        dustbust.clean_frames([tmp_path / "gone.jpg"], np.zeros((40, 60), bool))


def test_a_folder_of_outputs_may_lie_in_folders_that_are_not_there_yet(run, mask, tmp_path):
    cleaned = dustbust.clean_frames(run, mask, tmp_path / "out" / "of" / "roll 3")
    assert len(cleaned.written) == 5
    assert cleaned.folder == tmp_path / "out" / "of" / "roll 3"


@pytest.mark.parametrize(("threads", "each"), [(None, 1), (1, 1), (3, 3)])
def test_an_executor_is_given_files_with_one_thread_each_unless_asked_for(run, mask, threads, each):
    used = []

    class Noted(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            used.append(arguments[-1])
            return super().submit(function, *arguments)

    with Noted(2) as executor:
        dustbust.clean_frames(run, mask, executor=executor, threads=threads)
    assert used == [each] * 5
