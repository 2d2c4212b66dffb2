"""The masks of a shoebox of frames."""

from pathlib import Path

import numpy as np
import pytest

import dustbust
from dustbust.batch import masks


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs of two frames, whose masks are made without the frames."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    frames = [tmp_path / f"{number}.jpg" for number in range(4)]
    monkeypatch.setattr(masks, "find_runs", lambda *_, **__: [frames[:2], frames[2:]])
    estimated = []

    def estimate(run, **_):
        estimated.append(run)
        return dustbust.DustMask(np.eye(9, dtype=np.float32), 0.5)

    monkeypatch.setattr(masks, "estimate_mask", estimate)
    return frames, tmp_path / "masks", estimated


def test_masks_that_the_program_wrote_are_renewed(runs):
    frames, folder, estimated = runs
    for _ in range(2):
        written = masks.estimate_runs(frames, folder)
    assert [run.path.name for run in written] == ["0-1.png", "2-3.png"]
    assert len(estimated) == 4


def test_rolls_with_equal_names_have_a_mask_each(runs, tmp_path, monkeypatch):
    _, folder, _ = runs
    rolls = [[tmp_path / roll / f"{k}.jpg" for k in range(2)] for roll in ("a", "b")]
    rolls.append([tmp_path / f"{k}.tif" for k in range(2)])
    monkeypatch.setattr(masks, "find_runs", lambda *_, **__: rolls)
    written = masks.estimate_runs([frame for roll in rolls for frame in roll], folder)
    assert [run.path.name for run in written] == ["0-1.png", "0-1-2.png", "0-1-3.png"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["0-1.png", "0-1-2.png", "0-1-3.png", masks.TABLE]
    )


def test_names_of_masks_differ_also_without_regard_to_case():
    runs = [(Path("A.tif"), Path("B.tif")), (Path("a.tif"), Path("b.tif"))]
    runs.append((Path("a.tif"), Path("b-2.tif")))
    names = masks.names_of_masks(runs)
    assert len({name.lower() for name in names}) == 3


def test_a_frame_is_not_replaced_by_a_mask(runs, tmp_path, monkeypatch):
    frame = tmp_path / "0-0.png"
    frame.write_bytes(b"a frame")
    monkeypatch.setattr(masks, "find_runs", lambda *_, **__: [[tmp_path / "0.png"], [frame]])
    (tmp_path / "0.png").write_bytes(b"a frame")
    with pytest.raises(dustbust.DustbustError, match=r"0-0\.png: is one of the pictures"):
        masks.estimate_runs([tmp_path / "0.png", frame], tmp_path, overwrite=True)
    assert frame.read_bytes() == b"a frame"


@pytest.mark.parametrize("name", ["0-1.png", "2-3.png", masks.TABLE])
def test_a_mask_that_somebody_changed_is_not_replaced_unasked(runs, name):
    frames, folder, estimated = runs
    masks.estimate_runs(frames, folder)
    retouched = (folder / name).read_bytes() + b"retouched"
    (folder / name).write_bytes(retouched)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(dustbust.DustbustError, match=f"{name}: exists"):
        masks.estimate_runs(frames, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(estimated) == 2  # nothing was estimated in vain
    masks.estimate_runs(frames, folder, overwrite=True)
    assert (folder / name).read_bytes() != retouched


def test_a_third_of_the_work_is_finding_the_runs(runs, monkeypatch):
    """The rest is shared by the runs, by their frames."""
    frames, folder, _ = runs
    told = []

    def find(frames, progress, **_):
        progress(1.0, "")
        return [frames[:1], frames[1:]]

    def estimate(run, progress, **_):
        progress(0.5, "")
        progress(1.0, "")
        return dustbust.DustMask(np.eye(9, dtype=np.float32), 0.5)

    monkeypatch.setattr(masks, "find_runs", find)
    monkeypatch.setattr(masks, "estimate_mask", estimate)
    masks.estimate_runs(frames, folder, progress=lambda fraction, _: told.append(fraction))
    assert told == pytest.approx([1 / 3, 1 / 3 + 1 / 12, 1 / 2, 3 / 4, 1])
