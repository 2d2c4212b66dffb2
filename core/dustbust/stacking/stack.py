"""Stack Offset Scans: align several scans of one page, and combine them into one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import Any, Literal, TypeVar, overload

import numpy as np
import numpy.typing as npt

from ..dust.mask import DustMask
from ..dust.polarity import Polarity
from ..errors import DustbustError
from ..files.bilevel import read_scan
from ..files.paths import is_path, names_of_scans
from ..files.spool import Spool
from ..image.arrays import Picture, colour_channels
from ..registration.register import Registration, place_scans, register_scans, resolutions_of
from ..runtime.progress import steps
from ..runtime.threads import count
from .dust_free import clean_page
from .evidence import widest_part
from .modes import MODES, Mode
from .scanner_dust import check_moved, find_scanner_dust
from .scans import Scans
from .statistics import combine, viewable
from .strips import go_over_strips
from .tone import Evening

Scan = Picture | str | bytes | PathLike[str]
_T = TypeVar("_T")
Progress = Callable[[float, str], object]

# The scan whose grid the page has; the default first.
GRIDS = ("first", "finest")

# A scan counts as finer than the first one when its resolution is greater by this factor. The
# stretching of a page from scan to scan is smaller.
FINER = 1.02


@dataclass
class StackReport:
    """The page that `stack_scans` made, with the measurements it is based on.

    Parameters
    ----------
    page : ndarray
        The page, as `stack_scans` returns it without a report.
    dust : DustMask or None
        The dust of the scanner, for scans that have no second one; None for all modes but
        "dust-free".
    registrations : list of Registration
        How the page lies in each scan.
    gain, offset : ndarray of float64, shape (scans, colours)
        Each scan was corrected to gain * value + offset, to match the brightness of scan 0.
    white : float or None
        The number that is white in the picture of a statistic (see
        `dustbust.stacking.statistics.viewable`), else None.
    filled : float
        Share of the page that was dusty in all scans and had to be filled; 0 for all modes but
        "dust-free".
    reference : int
        Number of the scan whose grid the page has. Statements above about scan 0 apply to it.
    """

    page: Picture
    dust: DustMask | None
    registrations: list[Registration]
    gain: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    white: float | None = None
    filled: float = 0.0
    reference: int = 0


@overload
def stack_scans(
    scans: Sequence[Scan], *, return_report: Literal[False] = False, **options: Any
) -> Picture: ...


@overload
def stack_scans(
    scans: Sequence[Scan], *, return_report: Literal[True], **options: Any
) -> StackReport: ...


def stack_scans(
    scans: Sequence[Scan],
    *,
    mode: str = MODES.default,
    align: bool = True,
    positions: npt.ArrayLike | None = None,
    registrations: Sequence[Registration] | None = None,
    grid: str = GRIDS[0],
    normalise: bool | None = None,
    names: Sequence[str] | None = None,
    view: bool = False,
    return_report: bool = False,
    progress: Progress | None = None,
    threads: int | None = None,
    **options: Any,
) -> Picture | StackReport:
    """Align several scans of one page and combine them into one.

    Parameters
    ----------
    scans : sequence of two or more ndarray, shape (H, W) or (H, W, C), or of file paths
        Of one dtype: uint8, uint16 or float32. They may differ in size. Fully transparent pixels
        do not count. However many files there are, only strips of them are in memory at once;
        decoded, they wait in the temporary folder.
    mode : str
        How the scans are combined. Each pixel is computed from the scans that have data there. The
        modes and their options:

        {modes}
    align : bool
        Find out how the page moved (see `register_scans`); otherwise the scans stay where
        `positions` puts them.
    positions : array_like, shape (scans, 2), optional
        (x, y) of each scan's top left corner on a common canvas, px; only with align=False.
        Default: all the same.
    registrations : sequence of Registration, optional
        Of the scans, as `register_scans` gives them, if they are known already; only with
        align=True.
    grid : {"first", "finest"}
        Which scan gives the page its grid (size, position and orientation) if the scans differ in
        resolution: the first, or the one with the finest pixels, which keeps its details. If this
        is not the first scan, the scans are aligned again to it. Only with align=True.
    normalise : bool, optional
        Match the brightness of all scans to that of scan 0. Default: when they are aligned, and for
        "dust-free".
    names : sequence of str, optional
        What messages call the scans. Default: their paths, or "scan 0", "scan 1" and so on.
    view : bool
        Give a statistic as a picture of the scans' dtype that can be viewed. The report has the
        number that is white in it. Otherwise a statistic is float32, in the unit of the scans.
    return_report : bool
        Return a `StackReport`, which contains the page.
    progress : callable, optional
        `progress(fraction, text)`.
    threads : int, optional

    Returns
    -------
    ndarray or StackReport
        The page, with the size, channels and dtype (but see `view`) of the scan that gives the
        grid. That scan is not resampled. Where no scan has data, alpha is 0; without alpha, all
        channels are 0.

    Raises
    ------
    DustbustError
        When there are fewer than two scans, or they do not fit together, or (with "dust-free") the
        page moved too little to tell it from dust.
    TypeError
        When the mode does not have an option.
    ValueError
        When an argument has an invalid value.

    Examples
    --------
    >>> import numpy as np
    >>> scans = [np.full((2, 2), v, np.uint8) for v in (3, 5)]
    >>> stack_scans(scans, mode="maximum", align=False).tolist()
    [[5, 5], [5, 5]]
    """
    how = MODES.named(mode)
    options = MODES.checked(mode, options)
    if align and positions is not None:
        raise ValueError("positions are for align=False: aligned scans find their own")
    if registrations is not None and not align:
        raise ValueError("registrations are for align=True")
    if grid not in GRIDS:
        raise ValueError(f"grid must be one of {', '.join(GRIDS)}, not {grid!r}")
    if grid != GRIDS[0] and not align:
        raise ValueError(f"grid={grid!r} is for align=True: nothing else tells the resolutions")
    scans, threads = list(scans), count(threads)
    names = names_of_scans(scans, names)
    step = steps(progress, mode)
    with Spool() as pictures:
        _read(scans, names, pictures)
        if registrations is not None:
            if len(registrations) != len(pictures):
                raise ValueError(
                    f"registrations must be one for each of the {len(pictures)} scans, "
                    f"not {len(registrations)}"
                )
        elif align:
            registrations = register_scans(
                pictures,
                names=names,
                resolutions=resolutions_of(scans),
                progress=step(0.0, 0.5),
                threads=threads,
            )
        else:
            registrations = place_scans(len(pictures), positions)
        reference = _finest(registrations) if grid == "finest" else 0
        if reference:
            pictures.move_to_front(reference)
            names = _in_front(names, reference)
            registrations = register_scans(
                pictures,
                names=names,
                resolutions=_in_front(resolutions_of(scans), reference),
                progress=step(0.0, 0.5),
                threads=threads,
            )
        if normalise is None:
            normalise = align or how.kind == "dust-free"
        together = _evened(pictures, names, list(registrations), normalise, threads)
        report = combine_scans(together, how, step, view=view, with_dust=return_report, **options)
    _put_back(report, reference)
    return report if return_report else report.page


MODES.describe(stack_scans)


def combine_scans(
    scans: Scans,
    mode: Mode,
    step: Callable[..., Any],
    *,
    view: bool = False,
    with_dust: bool = False,
    **options: Any,
) -> StackReport:
    """Combine scans that are registered and matched in brightness.

    Parameters
    ----------
    scans : Scans
    mode : Mode
    step : callable
        Gives the progress of a part of the work, see `dustbust.runtime.progress.steps`.
    view : bool
        As of `stack_scans`.
    with_dust : bool
        Whether the mask of the dust is to be in the report, if the mode finds one.
    **options
        Of the mode, checked.
    """
    report = (
        _dust_free(scans, step, with_dust, **options)
        if mode.kind == "dust-free"
        else _combined(scans, mode, step(0.5, 1.0))
    )
    if view and mode.kind == "statistic":
        report.page, report.white = viewable(report.page, scans.dtype, alpha=scans.has_alpha)
    return report


def _finest(registrations: Sequence[Registration]) -> int:
    """The number of the scan with the finest pixels; 0 unless one is clearly finer than scan 0."""
    scales = [abs(np.linalg.det(found.matrix[:2, :2])) ** 0.5 for found in registrations]
    finest = int(np.argmax(scales))
    return finest if scales[finest] > FINER * scales[0] else 0


def _in_front(values: Sequence[_T], number: int) -> list[_T]:
    """The values with one of them as the first."""
    return [values[number], *values[:number], *values[number + 1 :]]


def _put_back(report: StackReport, reference: int) -> None:
    """Restore the order of the scans in a report made with the reference in front."""
    order = np.argsort(_in_front(range(len(report.registrations)), reference))
    report.registrations = [report.registrations[k] for k in order]
    report.gain, report.offset = report.gain[order], report.offset[order]
    report.reference = reference


def _read(scans: Sequence[Scan], names: Sequence[str], pictures: Spool) -> None:
    """Add the scans to `pictures`, if they fit together."""

    def kind(image: Picture) -> tuple[str, str]:
        return "colour" if colour_channels(image).shape[2] == 3 else "grey", image.dtype.name

    first_kind = None
    for name, scan in zip(names, scans, strict=True):
        image = read_scan(scan)
        first_kind = first_kind or kind(image)
        if kind(image) != first_kind:
            raise DustbustError(
                "{scan} is {kind}, but {first} is {first_kind}; convert them to one kind",
                scan=name,
                kind=" ".join(kind(image)),
                first=names[0],
                first_kind=" ".join(first_kind),
            )
        pictures.add(image, on_disk=is_path(scan))


def _evened(
    pictures: Spool,
    names: list[str],
    registrations: list[Registration],
    normalise: bool,
    threads: int,
) -> Scans:
    """The scans, with the corrections that make each as bright as scan 0."""
    evening = [Evening.unchanged(colour_channels(pictures[0]).shape[2])]
    for k in range(1, len(pictures)):
        evening.append(
            Evening.between(
                pictures[0], pictures[k], registrations[k], normalise=normalise, threads=threads
            )
        )
    return Scans.of(pictures, names, registrations, evening, threads)


def _report(scans: Scans, page: Picture) -> StackReport:
    return StackReport(page, None, scans.registrations, scans.gain, scans.offset)


def _dust_free(
    scans: Scans, step: Callable[..., Any], with_dust: bool, polarity: str
) -> StackReport:
    """The page in mode "dust-free", and the dust of the scanner."""
    check_moved(scans.registrations, scans.names)
    median_page = None
    if len(scans) > 2:
        median_page = scans.empty_page()
        go_over_strips(scans, partial(_add_median, median_page))
    # Between two scans the dust is found where the second one is aligned to the first. It is kept,
    # as the page is made from it, if it is aligned in rows as a whole.
    in_rows = len(scans) == 2 and scans.scanner_shape[1] <= widest_part(scans)
    aligned = scans.empty_page() if in_rows else None
    dust = find_scanner_dust(
        scans,
        median_page,
        None if polarity == "auto" else Polarity(polarity),
        step(0.5, 0.75),
        aligned,
    )
    page, filled = clean_page(scans, dust, step(0.75, 1.0), aligned)
    report = _report(scans, scans.without_added_alpha(page))
    report.filled = np.count_nonzero(filled) / filled.size
    if with_dust:
        report.dust = dust.mask(scans.names)
        report.dust.report["filled"] = report.filled
    return report


def _add_median(page: Picture, top: int, rows: int, strips: Sequence[Picture]) -> None:
    page[top : top + rows] = combine(strips, "median", alpha=True, threads=1)


def _combined(scans: Scans, mode: Mode, progress: Callable[[float], object] | None) -> StackReport:
    """The page in a mode that gives a picture or a statistic."""
    as_they_are = scans.lie_on_each_other
    added_alpha = not as_they_are and not scans.has_alpha
    page = np.empty(scans.shape, scans.dtype if mode.kind == "picture" else np.float32)

    def work(top: int, rows: int, strips: Sequence[Picture]) -> None:
        part = combine(strips, mode.name, alpha=scans.has_alpha or added_alpha, threads=1)
        page[top : top + rows] = (part[..., :-1] if added_alpha else part).reshape(
            (rows, *scans.shape[1:])
        )

    go_over_strips(scans, work, as_they_are=as_they_are, progress=progress)
    return _report(scans, page)
