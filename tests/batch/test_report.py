"""When a batch says that the mask may be of another run."""

from pathlib import Path

import pytest

from dustbust.batch.report import BatchReport


def report_of(frames):
    """The report of frames with (particles of the mask, how many of them are absent)."""
    paths = [Path(f"out/{number}.jpg") for number in range(len(frames))]
    report = BatchReport(Path("out"), written=paths)
    for path, (particles, absent) in zip(paths, frames, strict=True):
        report.count_dust(path, particles, absent)
    return report


@pytest.mark.parametrize(
    ("frames", "warned"),
    [
        ([(100, 51)], True),
        ([(100, 50)], False),  # half of the dust is there
        ([(6, 6)], True),
        ([(5, 5)], False),  # too few to tell
        ([(100, 51), (100, 0)], False),  # half of the frames
        ([(100, 51), (100, 0), (100, 51)], True),
    ],
)
def test_most_frames_without_most_of_the_dust_are_said(frames, warned):
    warnings = report_of(frames).warnings
    assert bool(warnings) == warned
    if warned:
        lacking = sum(2 * absent > particles for particles, absent in frames)
        assert f"{lacking} of {len(frames)} frames" in warnings[0]


def test_frames_that_show_hardly_any_dust_are_named_up_to_a_number():
    dusty, just_enough, without = (100, 0), (100, 80), (100, 81)
    assert report_of([dusty] * 3 + [just_enough]).warnings == []
    [sentence] = report_of([dusty] * 3 + [without]).warnings
    assert sentence.startswith("1 of 4 frames show hardly any")
    assert "3.jpg" in sentence
    assert "0.jpg" not in sentence
    for number in (5, 6):
        [sentence] = report_of([dusty] * 2 * number + [without] * number).warnings
        assert sentence.startswith(f"{number} of {3 * number} frames")
        named = [f"{2 * number + k}.jpg" in sentence for k in range(number)]
        assert named == [True] * 5 + [False] * (number - 5)
        assert ("..." in sentence) is (number > 5)
