"""How much of the picture is marked at each threshold: a plot to choose one by."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .errors import DustbustError
from .files.read import read_frame
from .image.arrays import colour_channels, from_unit, to_unit
from .image.filters import gaussian_blur

WIDTH, HEIGHT, MARGIN = 720, 420, 60
BACKGROUND, FRAME, CURVE, CHOSEN = "white", "#888888", "#1f5fa8", "#c03028"


def plot_of_thresholds(grey, threshold):
    """A plot, `PIL.Image`: thresholds from 0.01 to 1 across, share of the pixels at or above them upwards, both logarithmic.

    Parameters
    ----------
    grey : float32 (H, W) in 0..1
    threshold : that is marked in it.
    """
    values = np.sort(grey, axis=None)

    def share_at(limit):
        return 1 - np.searchsorted(values, limit) / values.size

    low, high = 1e-5, 1.0  # of the shares

    def across(limit):
        return MARGIN + (np.log10(limit) + 2) / 2 * (WIDTH - 2 * MARGIN)

    def up(share):
        return (
            HEIGHT
            - MARGIN
            - np.log10(np.clip(share, low, high) / low)
            / np.log10(high / low)
            * (HEIGHT - 2 * MARGIN)
        )

    picture = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default()
    for limit in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1):
        draw.line([(across(limit), MARGIN), (across(limit), HEIGHT - MARGIN)], fill="#e4e4e4")
        draw.text((across(limit) - 10, HEIGHT - MARGIN + 6), f"{limit:g}", fill=FRAME, font=font)
    for share in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1):
        draw.line([(MARGIN, up(share)), (WIDTH - MARGIN, up(share))], fill="#e4e4e4")
        draw.text((6, up(share) - 6), f"{100 * share:g} %", fill=FRAME, font=font)
    draw.rectangle([MARGIN, MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN], outline=FRAME)
    limits = np.geomspace(0.01, 1, WIDTH - 2 * MARGIN + 1)
    draw.line([(across(limit), up(share_at(limit))) for limit in limits], fill=CURVE, width=2)
    if threshold >= 0.01:
        draw.line(
            [(across(threshold), MARGIN), (across(threshold), HEIGHT - MARGIN)],
            fill=CHOSEN,
            width=2,
        )
    draw.text(
        (MARGIN, 20),
        f"Marked: {100 * share_at(threshold):.3f} % of the picture at the threshold {threshold:.3f}",
        fill=CHOSEN,
        font=font,
    )
    draw.text((WIDTH // 2 - 30, HEIGHT - 24), "threshold", fill=FRAME, font=font)
    return picture


def before_after(before, after, size=480, scale=2):
    """The part of two pictures in which they differ most, side by side.

    Parameters
    ----------
    before, after : paths or arrays of one size.
    size : width and height of that part, px.
    scale : magnification, a whole number.

    Returns
    -------
    PIL.Image.Image, RGB, 8 bit: before on the left, after on the right, a white line between.

    Raises
    ------
    DustbustError
        when the pictures differ in size.

    >>> grey = np.zeros((40, 60), np.uint8)
    >>> before_after(grey, grey, size=30, scale=1).size
    (64, 30)
    """
    pictures = [to_unit(colour_channels(read_frame(picture))) for picture in (before, after)]
    if pictures[0].shape[:2] != pictures[1].shape[:2]:
        raise DustbustError(
            "before and after differ in size; give a frame and its own cleaned copy"
        )
    height, width = pictures[0].shape[:2]
    tall, wide = min(size, height), min(size, width)
    changed = gaussian_blur(np.abs(pictures[0] - pictures[1]).max(axis=2), max(size / 4, 1))
    y, x = np.unravel_index(np.argmax(changed), changed.shape)
    top, left = np.clip(y - tall // 2, 0, height - tall), np.clip(x - wide // 2, 0, width - wide)
    parts = [
        np.repeat(np.repeat(p[top : top + tall, left : left + wide], scale, 0), scale, 1)
        for p in pictures
    ]
    parts = [from_unit(np.broadcast_to(p, p.shape[:2] + (3,)), np.uint8) for p in parts]
    return Image.fromarray(
        np.hstack([parts[0], np.full((parts[0].shape[0], 4, 3), 255, np.uint8), parts[1]])
    )
