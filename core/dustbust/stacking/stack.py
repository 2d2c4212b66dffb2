"""Stack Offset Scans: several scans of one page become one page."""

from dataclasses import dataclass

import numpy as np

from ..dust.polarity import POLARITIES
from ..errors import DustbustError
from ..files.paths import is_path, names_of_scans
from ..files.read import read_frame
from ..files.spool import Spool
from ..image.arrays import alpha_channel, colour_channels
from ..registration.register import Registration, register_scans
from ..runtime.progress import steps
from ..runtime.threads import count
from .brightness import match_brightness
from .dust_free import clean_page
from .scanner_dust import check_moved, find_scanner_dust
from .statistics import PICTURES, STATISTICS, combine, viewable
from .strips import aligned_strips, rows_of

MODES = ("dust-free",) + PICTURES + STATISTICS


@dataclass
class StackReport:
    """What `stack_scans` did.

    registrations : list of Registration, one for each scan.
    gain, offset : float64 (scans, colours): brightness of a scan was made gain * value + offset, to be that of scan 0.
    white : the number that is white in the picture of a statistic (see `dustbust.modes.viewable`), else None.
    filled : share of the page that was dusty in all scans and had to be filled; 0 for all modes but "dust-free".
    """

    registrations: list
    gain: np.ndarray
    offset: np.ndarray
    white: float | None = None
    filled: float = 0.0


def stack_scans(
    scans,
    *,
    mode="dust-free",
    align=True,
    positions=None,
    registrations=None,
    normalise=None,
    polarity=None,
    names=None,
    view=False,
    return_dust=False,
    return_report=False,
    progress=None,
    threads=None,
):
    """Align several scans of one page and combine them into one.

    Parameters
    ----------
    scans : list of two or more arrays, (H, W) or (H, W, C), of one dtype: uint8, uint16 or float32; or of file paths. They may differ in size.
        Fully transparent pixels are no data. However many files there are, only strips of them are in memory at once;
        decoded, they wait in the temporary folder.
    mode : "dust-free", the mean without the scans in which dust lies on the page (two scans are enough); or, pixel by pixel over the scans
        that have data there, "maximum", "minimum", "mean", "median", "range", "standard deviation", "variance", "sum", "entropy",
        "skewness" or "kurtosis" (see `dustbust.modes.combine`).
    align : find by itself how the page moved (see `register_scans`); else the scans stay where `positions` puts them.
    positions : (x, y) of each scan's top left corner on a common canvas, px; only with align=False. Default: all the same.
    registrations : of the scans, as `register_scans` gives them, if they are known already; only with align=True.
    normalise : make the brightness of all scans that of scan 0. Default: when they are aligned, and for "dust-free".
    polarity : of the dust, "light", "dark" or "both", if it is known, as when parts of scans are stacked; only for "dust-free".
    names : what messages call the scans. Default: their paths, or "scan 0", "scan 1" and so on.
    view : give a statistic ("range" and all after it) as a picture of the scans' dtype that can be looked at; the number that is
        white in it is in the report. Otherwise a statistic is float32, in the unit of the scans.
    return_dust : give the dust of the scanner as a `DustMask` too; only with "dust-free".
    return_report : give a `StackReport` too.
    progress : callable `progress(fraction, text)`.
    threads : int

    Returns
    -------
    page, or (page, dust), (page, report), (page, dust, report) : on the grid of scan 0 (which is never resampled), with its size, channels and
        dtype (but see `view`). Where no scan has data, alpha is 0; without alpha, all channels are.

    Raises
    ------
    DustbustError
        when there are fewer than two scans, or they do not fit together, or (with "dust-free") the page moved too little to tell it from dust.

    >>> page = stack_scans([np.full((2, 2), v, np.uint8) for v in (3, 5)], mode="maximum", align=False)
    >>> page.tolist(), page.dtype.name
    ([[5, 5], [5, 5]], 'uint8')
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    if align and positions is not None:
        raise ValueError("positions are for align=False: aligned scans find their own")
    if registrations is not None and not align:
        raise ValueError("registrations are for align=True")
    if return_dust and mode != "dust-free":
        raise ValueError(
            f'return_dust needs mode "dust-free", which finds the dust; mode is {mode!r}'
        )
    if polarity not in (None, *POLARITIES):
        raise ValueError(
            f"polarity must be one of {', '.join(POLARITIES)} or None, not {polarity!r}"
        )
    scans, threads = list(scans), count(threads)
    names = names_of_scans(scans, names)
    with Spool() as images:
        _read(scans, names, images)
        page, dust, report = _stack(
            images,
            names,
            mode,
            align,
            positions,
            registrations,
            normalise,
            polarity,
            steps(progress, mode),
            threads,
        )
        if view and mode in STATISTICS:
            page, report.white = viewable(
                page, images[0].dtype, alpha=alpha_channel(images[0]) is not None
            )
    extra = ((dust,) if return_dust else ()) + ((report,) if return_report else ())
    return (page,) + extra if extra else page


def _stack(
    images, names, mode, align, positions, registrations, normalise, polarity, step, threads
):
    """The page, the dust of the scanner or None, and the report."""
    if registrations is None:
        registrations = (
            register_scans(images, names=names, progress=step(0.0, 0.5), threads=threads)
            if align
            else _placed(images, positions)
        )
    elif len(registrations) != len(images):
        raise ValueError(
            f"registrations must be one for each of the {len(images)} scans, not {len(registrations)}"
        )
    report = _brightness(
        images,
        registrations,
        align or mode == "dust-free" if normalise is None else normalise,
        threads,
    )
    if mode != "dust-free":
        return _combine(images, report, mode, threads, step(0.5, 1.0)), None, report
    check_moved(registrations, names)
    return *_dust_free(images, report, names, polarity, threads, step), report


def _read(scans, names, images):
    """Add the scans to `images`, if they fit together."""
    kind = lambda image: (
        "colour" if colour_channels(image).shape[2] == 3 else "grey",
        image.dtype.name,
    )
    first_kind = None
    for name, scan in zip(names, scans):
        image = read_frame(scan)
        first_kind = first_kind or kind(image)
        if kind(image) != first_kind:
            raise DustbustError(
                "{scan} is {kind}, but {first} is {first_kind}; convert them to one kind",
                scan=name,
                kind=" ".join(kind(image)),
                first=names[0],
                first_kind=" ".join(first_kind),
            )
        images.add(image, on_disk=is_path(scan))


def _placed(images, positions):
    """Registrations of scans that lie where they were put."""
    positions = np.zeros((len(images), 2)) if positions is None else np.asarray(positions, float)
    if positions.shape != (len(images), 2):
        raise ValueError(
            f"positions must be one (x, y) for each of the {len(images)} scans, not {positions.shape}"
        )
    registrations = []
    for position in positions:
        matrix = np.eye(3)
        matrix[:2, 2] = positions[0] - position
        registrations.append(Registration(matrix, moved=float(np.hypot(*matrix[:2, 2]))))
    return registrations


def _brightness(images, registrations, normalise, threads):
    """A report with what makes each scan as bright as scan 0."""
    colours = colour_channels(images[0]).shape[2]
    gain, offset = np.ones((len(images), colours)), np.zeros((len(images), colours))
    for k in range(1, len(images) if normalise else 0):
        gain[k], offset[k] = match_brightness(
            images[0], images[k], registrations[k], threads=threads
        )
    return StackReport(registrations, gain, offset)


def _dust_free(images, report, names, polarity, threads, step):
    """The page in mode "dust-free", and the dust of the scanner."""
    median_page = None
    if len(images) > 2:
        median_page = np.concatenate(
            [
                combine(strip, "median", alpha=True, threads=threads)
                for _, _, strip in aligned_strips(images, report, threads)
            ]
        )
    dust = find_scanner_dust(images, report, median_page, polarity, threads, step(0.5, 0.75))
    page, filled = clean_page(
        images,
        report,
        dust,
        aligned_strips(images, report, threads, margin=1),
        threads,
        step(0.75, 1.0),
    )
    report.filled = float(filled.mean())
    mask = dust.mask(names)
    mask.report["filled"] = report.filled
    return (page if alpha_channel(images[0]) is not None else page[..., :-1]).reshape(
        images[0].shape
    ), mask


def _combine(images, report, mode, threads, progress):
    """The page in one of `MODES`, on the grid of scan 0."""
    first = images[0]
    alpha = alpha_channel(first) is not None
    as_they_are = all(
        shape == first.shape and _is_untouched(report, k) for k, shape in enumerate(images.shapes)
    )
    page = np.empty(first.shape, first.dtype if mode in PICTURES else np.float32)
    for top, rows, strip in (
        rows_of(images) if as_they_are else aligned_strips(images, report, threads)
    ):
        part = combine(strip, mode, alpha=alpha if as_they_are else True, threads=threads)
        page[top : top + rows] = (part if alpha or as_they_are else part[..., :-1]).reshape(
            (rows,) + first.shape[1:]
        )
        if progress:
            progress((top + rows) / len(page))
    return page


def _is_untouched(report, k):
    registration = report.registrations[k]
    return (
        np.array_equal(registration.matrix, np.eye(3))
        and not len(registration.distortion)
        and (report.gain[k] == 1).all()
        and (report.offset[k] == 0).all()
    )
