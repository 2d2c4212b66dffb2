"""The report of a mask on its run, and its warnings."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dust.mask import DustMask, opacity_of
from ..errors import Sentence
from ..image.arrays import Mask
from ..image.morphology import connected
from .detection import FEWEST_SCENES, Detection
from .frames import Frames
from .scenes import Scenes

# With fewer frames than this, details that pictures have in common may still look like dust.
FEW_FRAMES = 8


def report(
    mask: DustMask, marked: Mask, found: Sequence[Detection], scenes: Scenes, frames: Frames
) -> dict[str, Any]:
    """The report on the reliability of a mask, as plain JSON data.

    Parameters
    ----------
    mask : DustMask
        The mask.
    marked : ndarray of bool, shape (H, W)
        The pixels that it marks.
    found : sequence of Detection
        One for each kind of dust.
    scenes : Scenes
        Which frames count.
    frames : Frames
        The run.
    """
    positions, labels, particles = connected(marked)
    shares = np.minimum.reduce([each.shares_at(positions) for each in found])
    columns = marked.shape[1]

    area = np.bincount(labels, minlength=particles)
    means = [
        np.bincount(labels, values, particles) / np.maximum(area, 1)
        for values in (
            positions % columns,
            positions // columns,
            opacity_of(mask.grey.ravel()[positions], mask.scale),
            shares,
        )
    ]
    alike = [
        [frames.places[number], f"shows the same scene as {frames.places[other]}"]
        for number, other in sorted(scenes.left_out.items())
    ]
    return {
        "frames": len(scenes.kept),
        "left_out": frames.reasons + alike,
        "coverage": np.count_nonzero(marked) / marked.size,
        "noise": max(each.noise for each in found),
        "particles": [
            [round(x), round(y), int(size), round(opacity, 3), round(share, 3)]
            for x, y, opacity, share, size in zip(*means, area, strict=True)
        ],
        "warnings": frames.warnings() + warnings(found, len(scenes.kept), len(alike)),
    }


def warnings(found: Sequence[Detection], frames: int, alike: int) -> list[Sentence]:
    """Sentences for the user about a mask.

    Parameters
    ----------
    found : sequence of Detection
        One for each kind of dust.
    frames : int
        Number of frames of different scenes.
    alike : int
        Number of further frames that show one of these scenes again.
    """
    sentences = []
    if len(found) == 1 and found[0].looks_wrong():
        sentences.append(
            Sentence(
                "There seems to be more dark dust than light: "
                "estimate again for dark dust, or for both."
                if found[0].evidence.polarity == "light"
                else "There seems to be more light dust than dark: "
                "estimate again for light dust, or for both."
            )
        )
    if frames < FEWEST_SCENES:
        sentences.append(
            Sentence(
                "Too few different scenes ({number}): dust cannot be told from picture, "
                "and nothing is marked. Use frames of ten different scenes.",
                number=frames,
            )
        )
    elif frames < FEW_FRAMES:
        sentences.append(
            Sentence(
                "Only {number} frames of different scenes: faint dust may be missed, and what the "
                "pictures have in common may be taken for dust. Ten or more are better.",
                number=frames,
            )
        )
    if alike and frames >= FEWEST_SCENES:
        sentences.append(
            Sentence(
                "{number} of {frames} frames show the same scene as another and do not count.",
                number=alike,
                frames=frames + alike,
            )
        )
    return sentences
