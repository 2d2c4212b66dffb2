"""Stack Offset Scans: several scans of one page become one page."""
from dataclasses import dataclass, field

import numpy as np

from .arrays import alpha_channel, colour_channels, largest
from .errors import DustbustError
from .frames import read_frame
from .modes import PICTURES, STATISTICS, combine, viewable
from .register import Registration, name_of_scan, register_scans
from .threads import count

MODES = PICTURES + STATISTICS

# Of all scans together, this much is resampled at a time.
STRIP_BYTES = 64 << 20


@dataclass
class StackReport:
    """What `stack_scans` did.

    registrations : list of Registration, one for each scan.
    gain, offset : float64 (scans, colours): brightness of a scan was made gain * value + offset, to be that of scan 0.
    white : the number that is white in the picture of a statistic (see `dustbust.modes.viewable`), else None.
    """
    registrations: list
    gain: np.ndarray = field(default_factory=lambda: np.ones((0, 1)))
    offset: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)))
    white: float | None = None


def stack_scans(scans, *, mode="maximum", align=True, positions=None, registrations=None, view=False, return_report=False, progress=None,
                threads=None):
    """Align several scans of one page and combine them into one.

    Parameters
    ----------
    scans : list of two or more arrays, (H, W) or (H, W, C), of one dtype: uint8, uint16 or float32; or of file paths. They may differ in size.
        Fully transparent pixels are no data.
    mode : "maximum", "minimum", "mean", "median", "range", "standard deviation", "variance", "sum", "entropy", "skewness"
        or "kurtosis", pixel by pixel over the scans that have data there.
    align : find by itself how the page moved (see `register_scans`); else the scans stay where `positions` puts them.
    positions : (x, y) of each scan's top left corner on a common canvas, px; only with align=False. Default: all the same.
    registrations : of the scans, as `register_scans` gives them, if they are known already; only with align=True.
    view : give a statistic ("range" and all after it) as a picture of the scans' dtype that can be looked at; the number that is
        white in it is in the report. Otherwise a statistic is float32, in the unit of the scans.
    return_report : give (page, StackReport).

    Returns
    -------
    On the grid of scan 0 (which is never resampled): its size, channels and dtype (but see `view`).
    Where no scan has data, alpha is 0; without alpha, all channels are.

    Raises
    ------
    DustbustError
        when there are fewer than two scans, or they do not fit together.

    >>> page = stack_scans([np.full((2, 2), v, np.uint8) for v in (3, 5)], mode="maximum", align=False)
    >>> page.tolist(), page.dtype.name
    ([[5, 5], [5, 5]], 'uint8')
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    if align and positions is not None:
        raise ValueError("positions are for align=False: aligned scans find their own")
    threads = count(threads)
    images = _read(scans)
    if align:
        registrations = registrations or register_scans(images, progress=progress and (lambda f, text: progress(f * 0.5, text)), threads=threads)
    else:
        registrations = _placed(images, positions)
    colours = colour_channels(images[0]).shape[2]
    report = StackReport(registrations, np.ones((len(images), colours)), np.zeros((len(images), colours)))
    alpha = alpha_channel(images[0]) is not None
    page = _combine(images, report, mode, threads, progress and (lambda f: progress(0.5 + f * 0.5 if align else f, mode)))
    if view and mode in STATISTICS:
        page, report.white = viewable(page, images[0].dtype, alpha=alpha)
    return (page, report) if return_report else page


def _read(scans):
    """The scans as arrays that fit together."""
    scans = list(scans)
    if len(scans) < 2:
        raise DustbustError(f"{'one scan' if scans else 'no scans'}: give at least two scans of one page")
    images = [read_frame(scan) for scan in scans]
    kind = lambda image: ("colour" if colour_channels(image).shape[2] == 3 else "grey", image.dtype.name)
    for index, image in enumerate(images):
        if kind(image) != kind(images[0]):
            raise DustbustError(f"{name_of_scan(scans[index], index)} is {' '.join(kind(image))}, but {name_of_scan(scans[0], 0)} is "
                                f"{' '.join(kind(images[0]))}; convert them to one kind")
    return images


def _placed(images, positions):
    """Registrations of scans that lie where they were put."""
    positions = np.zeros((len(images), 2)) if positions is None else np.asarray(positions, float)
    if positions.shape != (len(images), 2):
        raise ValueError(f"positions must be one (x, y) for each of the {len(images)} scans, not {positions.shape}")
    registrations = []
    for position in positions:
        matrix = np.eye(3)
        matrix[:2, 2] = positions[0] - position
        registrations.append(Registration(matrix, moved=float(np.hypot(*matrix[:2, 2]))))
    return registrations


def _combine(images, report, mode, threads, progress):
    """The page in one of `MODES`, on the grid of scan 0."""
    first = images[0]
    alpha = alpha_channel(first) is not None
    if all(image.shape == first.shape and _is_untouched(report, k) for k, image in enumerate(images)):
        return combine(images, mode, alpha=alpha, threads=threads)
    page = np.empty(first.shape, first.dtype if mode in PICTURES else np.float32)
    for top, strip in aligned_strips(images, report, threads):
        part = combine(strip, mode, alpha=True, threads=threads)
        page[top:top + len(part)] = (part if alpha else part[..., :-1]).reshape((len(part),) + first.shape[1:])
        if progress:
            progress((top + len(part)) / len(page))
    return page


def _is_untouched(report, k):
    registration = report.registrations[k]
    return (np.array_equal(registration.matrix, np.eye(3)) and not len(registration.bend)
            and (report.gain[k] == 1).all() and (report.offset[k] == 0).all())


def aligned_strips(images, report, threads):
    """Yield (top, strips): for consecutive rows of scan 0, these rows of the page from each scan, with alpha as the last channel."""
    height, width = images[0].shape[:2]
    row = width * images[0].dtype.itemsize * (colour_channels(images[0]).shape[2] + 1) * len(images)
    rows = max(16, STRIP_BYTES // row)
    for top in range(0, height, rows):
        box = (0, top, width, min(rows, height - top))
        yield top, [registration.resample(image, box, gain=report.gain[k], offset=report.offset[k], threads=threads)
                    for k, (image, registration) in enumerate(zip(images, report.registrations))]
