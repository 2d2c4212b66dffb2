"""Pictures for people: a plot to choose a threshold by, and a frame before and after cleaning."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from .errors import DustbustError
from .files.read import Frame, read_frame
from .image.arrays import Plane, colour_channels, from_unit, to_unit
from .image.filters import gaussian_blur

# Size of the plot and width of its margin, px.
WIDTH, HEIGHT, MARGIN = 720, 420, 60
BACKGROUND, GRID, FRAME, CURVE, CHOSEN = "white", "#e4e4e4", "#888888", "#1f5fa8", "#c03028"

# Thresholds and shares with a line of the grid. The first ones are the ends of the axes.
THRESHOLDS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
SHARES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1)

# Width of the line between two pictures, px.
GAP = 4


def plot_of_thresholds(grey: Plane, threshold: float) -> Image.Image:
    """A plot of the share of a mask's pixels at or above each threshold, with logarithmic shares.

    Parameters
    ----------
    grey : ndarray of float32, shape (H, W)
        A grey mask, 0..1.
    threshold : float
        The threshold to mark, 0..1.

    Returns
    -------
    PIL.Image.Image
        RGB, 720 x 420 px.

    Examples
    --------
    >>> import numpy as np
    >>> plot_of_thresholds(np.eye(9, dtype=np.float32), 0.5).size
    (720, 420)
    """
    values = np.sort(grey, axis=None)

    def share_at(limit: npt.ArrayLike) -> Any:
        return 1 - np.searchsorted(values, limit) / values.size

    picture = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default()
    bottom = HEIGHT - MARGIN
    for limit in THRESHOLDS:
        draw.line([(_across(limit), MARGIN), (_across(limit), bottom)], fill=GRID)
        draw.text((_across(limit) - 10, bottom + 6), f"{limit:g}", fill=FRAME, font=font)
    for share in SHARES:
        draw.line([(MARGIN, _up(share)), (WIDTH - MARGIN, _up(share))], fill=GRID)
        draw.text((6, _up(share) - 6), f"{100 * share:g} %", fill=FRAME, font=font)
    draw.rectangle([MARGIN, MARGIN, WIDTH - MARGIN, bottom], outline=FRAME)
    limits = np.linspace(0, 1, WIDTH - 2 * MARGIN + 1)
    curve = [(_across(limit), _up(share_at(limit))) for limit in limits]
    draw.line(curve, fill=CURVE, width=2)
    x = _across(threshold)
    draw.line([(x, MARGIN), (x, bottom)], fill=CHOSEN, width=2)
    marked = f"{100 * share_at(threshold):.3f} % of the picture at the threshold {threshold:.3f}"
    draw.text((MARGIN, 20), f"Marked: {marked}", fill=CHOSEN, font=font)
    draw.text((WIDTH // 2 - 30, HEIGHT - 24), "threshold", fill=FRAME, font=font)
    return picture


def _across(threshold: float) -> float:
    """x of a threshold in the plot, px."""
    return float(MARGIN + threshold * (WIDTH - 2 * MARGIN))


def _up(share: float) -> float:
    """y of a share in the plot, px."""
    part = np.log10(np.clip(share, SHARES[0], 1) / SHARES[0]) / np.log10(1 / SHARES[0])
    return float(HEIGHT - MARGIN - part * (HEIGHT - 2 * MARGIN))


def before_after(before: Frame, after: Frame, size: int = 480, scale: int = 2) -> Image.Image:
    """The part of two pictures in which they differ most, side by side.

    Parameters
    ----------
    before, after : path or ndarray
        Two pictures of one size.
    size : int
        Width and height of that part, px.
    scale : int
        Magnification.

    Returns
    -------
    PIL.Image.Image
        RGB, 8 bit: before on the left, after on the right, a white line between.

    Raises
    ------
    DustbustError
        If the pictures differ in size.

    Examples
    --------
    >>> import numpy as np
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
    top = int(np.clip(y - tall // 2, 0, height - tall))
    left = int(np.clip(x - wide // 2, 0, width - wide))
    parts = []
    for picture in pictures:
        part = picture[top : top + tall, left : left + wide]
        rgb = np.broadcast_to(part, (*part.shape[:2], 3))
        whole = Image.fromarray(np.ascontiguousarray(from_unit(rgb, np.uint8)))
        parts.append(whole.resize((wide * scale, tall * scale), Image.Resampling.NEAREST))
    result = Image.new("RGB", (2 * wide * scale + GAP, tall * scale), BACKGROUND)
    result.paste(parts[0], (0, 0))
    result.paste(parts[1], (wide * scale + GAP, 0))
    return result
