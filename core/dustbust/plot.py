"""How much of the picture is marked at each threshold: a plot to choose one by."""
import numpy as np
from PIL import Image, ImageDraw, ImageFont

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

    low, high = 1e-5, 1.0           # of the shares

    def across(limit):
        return MARGIN + (np.log10(limit) + 2) / 2 * (WIDTH - 2 * MARGIN)

    def up(share):
        return HEIGHT - MARGIN - np.log10(np.clip(share, low, high) / low) / np.log10(high / low) * (HEIGHT - 2 * MARGIN)

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
        draw.line([(across(threshold), MARGIN), (across(threshold), HEIGHT - MARGIN)], fill=CHOSEN, width=2)
    draw.text((MARGIN, 20), f"Marked: {100 * share_at(threshold):.3f} % of the picture at the threshold {threshold:.3f}", fill=CHOSEN, font=font)
    draw.text((WIDTH // 2 - 30, HEIGHT - 24), "threshold", fill=FRAME, font=font)
    return picture
