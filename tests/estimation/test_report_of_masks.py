"""What the report says of a mask: its particles, and sentences with their numbers."""

from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.dust.mask import DustMask
from dustbust.estimation.report import report, warnings


def detection(wrong=False, polarity="light", noise=0.01, share=0.8):
    return SimpleNamespace(
        looks_wrong=lambda: wrong,
        evidence=SimpleNamespace(polarity=polarity),
        noise=noise,
        shares_at=lambda positions: np.full(positions.size, share, np.float32),
    )


def said(found, frames, alike):
    return [str(sentence) for sentence in warnings(found, frames, alike)]


def test_dust_of_the_other_kind_is_said():
    assert said([detection()], 10, 0) == []
    (light,) = said([detection(True)], 10, 0)
    assert light.startswith("There seems to be more dark dust than light")
    (dark,) = said([detection(True, "dark")], 10, 0)
    assert dark.startswith("There seems to be more light dust than dark")
    assert said([detection(True), detection(True, "dark")], 10, 0) == []


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (2, "Too few different scenes (2): dust"),
        (3, "Only 3 frames of different scenes"),
        (7, "Only 7 frames of different scenes"),
        (8, None),
    ],
)
def test_few_scenes_are_said(frames, words):
    found = said([detection()], frames, 0)
    assert len(found) == (words is not None)
    if words:
        assert found[0].startswith(words)


def test_frames_of_one_scene_are_said():
    (sentence,) = said([detection()], 9, 1)
    assert sentence.startswith("1 of 10 frames show the same scene")
    assert len(said([detection()], 3, 2)) == 2
    assert len(said([detection()], 2, 5)) == 1


def test_the_report_lists_particles_and_what_was_left_out():
    grey = np.zeros((40, 60), np.float32)
    marked = np.zeros((40, 60), bool)
    particles = (np.s_[10:12, 20:23], 0.6), (np.s_[30, 50:52], 0.9), (np.s_[35, 7], 0.7)
    for box, value in particles:
        grey[box], marked[box] = value, True
    mask = DustMask(grey, 0.5)
    frames = SimpleNamespace(
        places=["a.jpg", "b.jpg", "c.jpg"],
        reasons=[["d.jpg", "cannot be read"]],
        warnings=lambda: ["first"],
    )
    scenes = SimpleNamespace(kept=list(range(9)), left_out={2: 0, 1: 0})
    found = [detection(noise=0.01, share=0.9), detection(noise=0.03, share=0.7004)]
    said_of_it = report(mask, marked, found, scenes, frames)
    assert said_of_it["frames"] == 9
    assert said_of_it["coverage"] == 9 / 2400
    assert said_of_it["noise"] == 0.03
    assert said_of_it["left_out"] == [
        ["d.jpg", "cannot be read"],
        ["b.jpg", "shows the same scene as a.jpg"],
        ["c.jpg", "shows the same scene as a.jpg"],
    ]
    # To three digits: the middle, the area, the opacity, and the share of the frames.
    opacities = [round(float(mask.opacity[place]), 3) for place in ((10, 20), (30, 50), (35, 7))]
    assert said_of_it["particles"] == [
        [21, 10, 6, opacities[0], 0.7],
        [50, 30, 2, opacities[1], 0.7],
        [7, 35, 1, opacities[2], 0.7],
    ]
    first, second = said_of_it["warnings"]
    assert first == "first"
    assert str(second).startswith("2 of 11 frames show the same scene")
