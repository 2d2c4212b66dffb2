"""What a mask reports of its run, and what it warns of."""

import numpy as np

from ..errors import Sentence
from ..image.morphology import connected
from .detection import FEWEST_SCENES

# With fewer frames than this, what pictures have in common may still look like dust.
FEW_FRAMES = 8


def report(mask, marked, found, scenes, run):
    """How far the mask can be trusted: plain JSON data."""
    positions, labels, particles = connected(marked)
    shares = np.minimum.reduce([each.shares() for each in found]).ravel()[positions]
    columns = marked.shape[1]

    area = np.bincount(labels, minlength=particles)
    x, y, opacity, share = (
        np.bincount(labels, values, particles) / np.maximum(area, 1)
        for values in (
            positions % columns,
            positions // columns,
            mask.grey.ravel()[positions],
            shares,
        )
    )
    alike = [
        [run.places[number], f"shows the same scene as {run.places[other]}"]
        for number, other in sorted(scenes.left_out.items())
    ]
    return {
        "frames": len(scenes.kept),
        "left_out": run.left_out + alike,
        "coverage": float(marked.mean()),
        "noise": max(each.noise for each in found),
        "particles": [
            [round(x), round(y), int(area), round(opacity, 3), round(share, 3)]
            for x, y, area, opacity, share in zip(x, y, area, opacity, share)
        ],
        "warnings": run.warnings() + warnings(found, len(scenes.kept), len(alike)),
    }


def warnings(found, frames, alike):
    """What the user is to know of a mask from frames of so many scenes, when so many more show one of these again: sentences."""
    said = []
    if len(found) == 1 and found[0].looks_wrong():
        said.append(
            Sentence(
                "There seems to be more dark dust than light: estimate again for dark dust, or for both."
                if found[0].evidence.polarity == "light"
                else "There seems to be more light dust than dark: estimate again for light dust, or for both."
            )
        )
    if frames < FEWEST_SCENES:
        said.append(
            Sentence(
                "Too few different scenes ({number}): dust cannot be told from picture, and nothing is marked. "
                "Use frames of ten different scenes.",
                number=frames,
            )
        )
    elif frames < FEW_FRAMES:
        said.append(
            Sentence(
                "Only {number} frames of different scenes: faint dust may be missed, and what the pictures have in common may be "
                "taken for dust. Ten or more are better.",
                number=frames,
            )
        )
    if alike and frames >= FEWEST_SCENES:
        said.append(
            Sentence(
                "{number} of {frames} frames show the same scene as another and do not count.",
                number=alike,
                frames=frames + alike,
            )
        )
    return said
