"""Never silently nothing: what a batch says at its end, on the console and in the receipt."""

import json

import numpy as np
from PIL import Image

import dustbust
from dustbust.estimation.frames import Frames
from helpers import synthetic_run


def written(folder, frames):
    folder.mkdir()
    paths = [folder / f"{number}.png" for number in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    return paths


def receipt_of(report):
    return json.loads((report.folder / "dustbust-receipt.json").read_text())


def test_the_mask_of_another_run_is_named_at_the_end_and_in_the_receipt(tmp_path):
    frames, _ = synthetic_run.run(1, 6)
    others, _ = synthetic_run.run(2, 3)
    mask = dustbust.estimate_mask(frames)
    own, other = written(tmp_path / "own", frames[:3]), written(tmp_path / "other", others)

    report = dustbust.clean_frames(other, mask)
    assert len(report.warnings) == 1
    assert "check that the mask was made from this run" in report.warnings[0]
    assert receipt_of(report)["warnings"] == report.warnings
    # A batch that writes nothing does not take the sentence back.
    again = dustbust.clean_frames(other, mask)
    assert not again.written
    assert receipt_of(again)["warnings"] == report.warnings

    report = dustbust.clean_frames(own, mask)
    assert report.warnings == []
    assert receipt_of(report)["warnings"] == []


def test_single_frames_without_the_dust_are_named(tmp_path):
    frames, _ = synthetic_run.run(1, 8)
    mask = dustbust.estimate_mask(frames)
    frames[3], frames[6] = (np.ascontiguousarray(frames[n][:, ::-1]) for n in (3, 6))  # mirrored
    report = dustbust.clean_frames(written(tmp_path / "run", frames), mask)
    (sentence,) = report.warnings
    assert sentence.startswith("2 of 8 frames show hardly any of the dust")
    assert "3.png, 6.png" in sentence
    assert receipt_of(report)["warnings"] == report.warnings


def test_frames_that_could_not_be_placed_are_named_again_when_they_are_cleaned(tmp_path):
    frames, _ = synthetic_run.run(31, 9, shape=(300, 450), specks=50, hairs=8)
    clean, _ = synthetic_run.run(32, 1, shape=(300, 450), opacity=np.zeros((300, 450)))
    cut, _ = synthetic_run.cut(frames[:5] + clean + frames[5:], 1, wander=16)
    paths = written(tmp_path / "roll", cut)
    mask = dustbust.estimate_mask(paths)
    (sentence,) = (each for each in mask.warnings if "where they lie" in each)
    assert sentence.startswith("1 of 10 frames show too little dust")
    report = dustbust.clean_frames(paths, mask)
    assert sentence in report.warnings
    assert receipt_of(report)["warnings"] == report.warnings
    placed = [receipt_of(report)["files"][path.name]["placed"] for path in paths]
    assert placed == [number != 5 for number in range(10)]


def test_reasons_that_are_alike_are_said_once(tmp_path):
    frames, _ = synthetic_run.run(3, 5, shape=(96, 144))
    paths = written(tmp_path / "run", frames)
    broken = [tmp_path / "run" / name for name in ("a.png", "b.png", "c.png")]
    for path in broken:
        path.write_bytes(b"")
    missing = tmp_path / "run" / "d.png"
    run = Frames.of([*paths, *broken, missing], leave_out=True)
    (sentence,) = run.warnings()
    assert sentence.startswith("4 of 9 frames cannot be used")
    assert "a.png" in sentence
    assert "(2 more like this)" in sentence
    assert "d.png" in sentence
    assert "b.png" not in sentence
    # Each has its own reason in the report.
    assert [place for place, _ in run.reasons] == [str(path) for path in (*broken, missing)]


def test_a_run_whose_dust_is_of_the_other_kind_is_named():
    frames, _ = synthetic_run.run(4, 8, "dark")
    mask = dustbust.estimate_mask(frames, polarity="light")
    assert any("more dark dust than light" in sentence for sentence in mask.warnings)
    assert np.count_nonzero(mask.binary()) == 0 or mask.coverage < 1e-3
