"""Strips of scans, as they are or aligned, so that memory does not grow with their number."""

from ..image.arrays import colour_channels

# Of all scans together, this much is resampled at a time.
STRIP_BYTES = 64 << 20


def rows_of(images):
    """Yield (top, rows, strips): rows of all scans as they are."""
    height, step = images.shapes[0][0], _rows_at_a_time(images)
    for top in range(0, height, step):
        rows = min(step, height - top)
        yield top, rows, [images[k][top : top + rows] for k in range(len(images))]


def _rows_at_a_time(images):
    """So many rows of all scans together take `STRIP_BYTES`."""
    first = images[0]
    return max(
        16,
        STRIP_BYTES
        // (
            first.shape[1]
            * first.dtype.itemsize
            * (colour_channels(first).shape[2] + 1)
            * len(images)
        ),
    )


def aligned_strips(images, report, threads, margin=0):
    """Yield (top, rows, strips): rows of scan 0, and from each scan these rows of the page, with alpha as the last channel.

    The strips have `margin` rows more above and below.
    """
    (height, width), step = images.shapes[0][:2], _rows_at_a_time(images)
    for top in range(0, height, step):
        rows = min(step, height - top)
        box = (0, top - margin, width, rows + 2 * margin)
        yield (
            top,
            rows,
            [
                registration.resample(
                    images[k], box, gain=report.gain[k], offset=report.offset[k], threads=threads
                )
                for k, registration in enumerate(report.registrations)
            ],
        )
