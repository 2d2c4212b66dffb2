from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_AnyPicture = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
_Sums = NDArray[np.int32] | NDArray[np.int64]
_Picture = TypeVar("_Picture", NDArray[np.uint8], NDArray[np.uint16], NDArray[np.float32])

READING_STEPS: int
WHOLE_WEIGHT: int
FRAMES_IN_32_BIT: int
SUM_STEPS: int
FRAMES_IN_SUM: int
REC601: tuple[float, float, float]
DUST_MARK: int
DUST_PER_OPACITY: int
WEAK_CODE: int
STRONG_CODE: int
UNKNOWN_CODE: int
WEAK_EVIDENCE: float
STRONG_EVIDENCE: float
BLACK: float
WHITE: float
VALUE_NOISE: float
SLOWEST: float
MOST_TOGETHER: int
SMALLEST_FADE: float
LEAST_PASSING: float
MOST_SCANS: int
CELL_SIDE: int
PATCH_CELLS: int

def box_blur(image: NDArray[np.float32], radius: int, threads: int) -> NDArray[np.float32]: ...
def dilate(mask: NDArray[np.bool_], radius: int, threads: int) -> NDArray[np.bool_]: ...
def window_median(image: NDArray[np.float32], radius: int, threads: int) -> NDArray[np.float32]: ...
def block_means(
    image: _AnyPicture, known: NDArray[np.bool_] | None, side: int, threads: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
def block_spread(
    image: _AnyPicture,
    known: NDArray[np.bool_] | None,
    background: NDArray[np.float32],
    side: int,
    every: int,
    limit: float,
    threads: int,
) -> NDArray[np.float32]: ...
def add_readings(
    images: Sequence[_AnyPicture],
    has_data: Sequence[NDArray[np.bool_] | None],
    backgrounds: Sequence[NDArray[np.float32]],
    gains: Sequence[NDArray[np.float32]],
    weights: Sequence[NDArray[np.float32]],
    signs: Sequence[int],
    side: int,
    lowest: float,
    sum: _Sums,
    missing: _Sums | None,
    threads: int,
) -> None: ...
def particle_readings(
    image: _AnyPicture,
    background: NDArray[np.float32],
    gain: NDArray[np.float32],
    variance: NDArray[np.float32],
    side: int,
    lowest: float,
    positions: NDArray[np.int64],
    labels: NDArray[np.int32],
    expected: NDArray[np.float32],
    particles: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def add_frame(
    image: _AnyPicture,
    has_data: NDArray[np.bool_] | None,
    sum: _Sums,
    frames: NDArray[np.int32] | None,
    threads: int,
) -> None: ...
def mean_readings(
    readings: _Sums, weights: NDArray[np.float32], side: int, missing: _Sums | None, threads: int
) -> NDArray[np.float32]: ...
def detail_medians_of_sums(
    readings: _Sums,
    weights: NDArray[np.float32],
    side: int,
    missing: _Sums | None,
    tile: int,
    every: int,
    threads: int,
) -> NDArray[np.float32]: ...
def denoise_sums(
    readings: _Sums,
    weights: NDArray[np.float32],
    side: int,
    missing: _Sums | None,
    floor: NDArray[np.float32],
    tile: int,
    threads: int,
) -> NDArray[np.float32]: ...
def tile_medians(
    map: NDArray[np.float32], tile: int, every: int, threads: int
) -> NDArray[np.float32]: ...
def detail_medians(
    map: NDArray[np.float32], tile: int, every: int, threads: int
) -> NDArray[np.float32]: ...
def denoise(
    map: NDArray[np.float32], floor: NDArray[np.float32], tile: int, threads: int
) -> NDArray[np.float32]: ...
def stands_out(
    map: NDArray[np.float32],
    floor: NDArray[np.float32],
    tile: int,
    least: float,
    threads: int,
) -> NDArray[np.bool_]: ...
def interpolate(
    coarse: NDArray[np.float32], side: int, rows: int, columns: int, threads: int
) -> NDArray[np.float32]: ...
def stacking_modes() -> list[tuple[str, bool]]: ...
def combine(stack: list[_Picture], mode: str, alpha: bool, threads: int) -> _Picture: ...
def statistic(
    stack: list[_Picture], mode: str, alpha: bool, threads: int
) -> NDArray[np.float32]: ...
def resample(
    image: _Picture,
    alpha: bool,
    matrix: NDArray[np.float64],
    distortion: NDArray[np.float32],
    pitch: tuple[float, float],
    inverse: bool,
    box: tuple[int, int, int, int],
    gain: NDArray[np.float64],
    offset: NDArray[np.float64],
    largest: float,
    opaque: float,
    threads: int,
) -> _Picture: ...
def resample_marks(
    marks: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    distortion: NDArray[np.float32],
    pitch: tuple[float, float],
    inverse: bool,
    box: tuple[int, int, int, int],
    threads: int,
) -> NDArray[np.uint8]: ...
def scan_differences(
    scans: list[_Picture | None],
    pages: list[_Picture | None],
    brightness: NDArray[np.float64],
    accuracy: tuple[float, float, float],
    polarity: int,
    first_row: int,
    shape: tuple[int, int],
    threads: int,
) -> NDArray[np.float32]: ...
def scanner_evidence(
    scans: list[_Picture | None],
    pages: list[_Picture | None],
    brightness: NDArray[np.float64],
    accuracy: tuple[float, float, float],
    polarity: int,
    first_row: int,
    shape: tuple[int, int],
    threads: int,
) -> NDArray[np.float32]: ...
def scanner_codes(
    scans: list[_Picture | None],
    pages: list[_Picture | None],
    brightness: NDArray[np.float64],
    accuracy: tuple[float, float, float],
    polarity: int,
    first_row: int,
    shape: tuple[int, int],
    threads: int,
) -> NDArray[np.uint8]: ...
def dust_free_mean(
    stack: list[_Picture],
    dust: list[NDArray[np.uint8]],
    margin: int,
    tolerance: tuple[float, float],
    polarity: int,
    largest: float,
    threads: int,
) -> tuple[_Picture, NDArray[np.uint8]]: ...
def luminance(image: _AnyPicture, threads: int) -> NDArray[np.uint16] | NDArray[np.float32]: ...
def reduce_luminance(
    image: _Picture, alpha: bool, factor: int, largest: float, threads: int
) -> NDArray[np.float32]: ...
def find_details(
    luminance: NDArray[np.float32], radius: int, threads: int
) -> NDArray[np.float32]: ...
def match_patches(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    matrix: NDArray[np.float64],
    distortion: NDArray[np.float32],
    pitch: tuple[float, float],
    corners: NDArray[np.int32],
    gain: float,
    limit: float,
    threads: int,
) -> NDArray[np.float64]: ...
def compare_patches(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    corners: NDArray[np.int32],
    side: int,
    threads: int,
) -> NDArray[np.float64]: ...
def warp_points(
    second: NDArray[np.float32],
    matrix: NDArray[np.float64],
    distortion: NDArray[np.float32],
    pitch: tuple[float, float],
    points: NDArray[np.int32],
    threads: int,
) -> NDArray[np.float32]: ...
def solve_band(band: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]: ...
def connected_components(
    mask: NDArray[np.bool_], cores: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]: ...
def particles(
    mask: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int32], int]: ...
def limit_areas(
    plane: NDArray[np.uint16],
    smallest: int,
    largest: int,
    step: int,
    lowest: int,
    highest: int,
    threads: int,
) -> None: ...
def response_sums(
    observed: NDArray[np.float32],
    filled: NDArray[np.float32],
    density: NDArray[np.float32],
    spread: NDArray[np.float32],
    lift: float,
    fade: float,
) -> list[float]: ...
def exponential(values: NDArray[np.float32]) -> NDArray[np.float32]: ...
def logarithm(values: NDArray[np.float32]) -> NDArray[np.float32]: ...
def shift_sums(
    observed: NDArray[np.float32],
    filled: NDArray[np.float32],
    spread: NDArray[np.float32],
    density: NDArray[np.float32],
    sample: NDArray[np.int64],
    labels: NDArray[np.int32],
    neighbours: NDArray[np.int32],
    dark: NDArray[np.bool_],
    responses: NDArray[np.float32],
    huber: float,
) -> list[float]: ...
def roughness(
    observed: NDArray[np.float32],
    density: NDArray[np.float32],
    labels: NDArray[np.int32],
    neighbours: NDArray[np.int32],
    dark: NDArray[np.bool_],
    responses: NDArray[np.float32],
    faintest: float,
    threads: int,
) -> NDArray[np.float32]: ...
def density_readings(
    observed: NDArray[np.float32],
    filled: NDArray[np.float32],
    spread: NDArray[np.float32],
    expected: NDArray[np.float32] | None,
    labels: NDArray[np.int32],
    dark: NDArray[np.bool_],
    responses: NDArray[np.float32],
    weight_of_clipped: float,
    threads: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
def lower_beside(
    opacity: NDArray[np.float32],
    dust: NDArray[np.bool_],
    threshold: float,
    below: float,
    threads: int,
) -> None: ...
def grey_steps(opacity: NDArray[np.float32], scale: float, threads: int) -> NDArray[np.uint16]: ...
def round_grey(
    grey: NDArray[np.uint16] | NDArray[np.float32], limit: int, coarse: int, threads: int
) -> NDArray[np.float32]: ...
def unmix(
    observed: NDArray[np.float32],
    density: NDArray[np.float32],
    labels: NDArray[np.int32],
    dark: NDArray[np.bool_],
    responses: NDArray[np.float32],
    present: NDArray[np.bool_],
    filled: NDArray[np.float32],
    spread: NDArray[np.float32],
    error: NDArray[np.float32],
    noise: float,
    response_error: float,
    threads: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...

# pybind11's classes have a metaclass of their own.
class _KernelType(type): ...

class MaskedPixels(metaclass=_KernelType):
    def __init__(self, positions: NDArray[np.int64], rows: int, columns: int) -> None: ...

def softened(masked: MaskedPixels, sigma: float, threads: int) -> NDArray[np.float32]: ...
def box_fill(
    image: _AnyPicture,
    masked: MaskedPixels,
    colours: int,
    box: int,
    passes: int,
    threads: int,
) -> tuple[NDArray[np.float32], int]: ...
def structured_fill(
    image: _AnyPicture,
    masked: MaskedPixels,
    colours: int,
    scale: float,
    threads: int,
) -> tuple[NDArray[np.float32], int]: ...
def grain(
    image: _AnyPicture,
    masked: MaskedPixels,
    values: NDArray[np.float32],
    share: NDArray[np.float32],
    threads: int,
) -> NDArray[np.float32]: ...

class Membranes(metaclass=_KernelType):
    def __init__(self, mask: NDArray[np.bool_]) -> None: ...
    @property
    def positions(self) -> NDArray[np.int64]: ...
    def __call__(
        self,
        image: _AnyPicture,
        colours: int,
        scale: float,
        unknown: NDArray[np.bool_] | None,
        threads: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]: ...
    def together(
        self, images: list[_Picture], scale: float, threads: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]: ...

# Identifier, horizontal and vertical sampling factor, quantisation table (8, 8), blocks of
# coefficients (rows, columns, 8, 8).
_JpegComponent = tuple[int, int, int, NDArray[np.uint16], NDArray[np.int16]]

def read_jpeg(data: bytes) -> list[_JpegComponent]: ...
def repair_jpeg(
    data: bytes,
    after: NDArray[np.uint8],
    changed: NDArray[np.bool_],
    of_colours: NDArray[np.float32],
    levels: NDArray[np.float32],
) -> tuple[bytes, NDArray[np.int64] | None]: ...
def is_repaired_copy(
    data: bytes, repaired: bytes, changed: NDArray[np.bool_], edits: NDArray[np.int64]
) -> bool: ...
def equal_away_from(
    one: NDArray[np.uint8], other: NDArray[np.uint8], places: NDArray[np.bool_], reach: int
) -> bool: ...
def write_jpeg(data: bytes, blocks: list[NDArray[np.int16]]) -> bytes: ...
