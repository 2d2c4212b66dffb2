"""Every binding refuses arguments that do not fit, before it reads or writes out of bounds."""

import io
import resource
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dustbust import _kernels

U8, U16, F32, F64, I32, I64 = np.uint8, np.uint16, np.float32, np.float64, np.int32, np.int64
H, W, N = 24, 28, 6
NO_DISTORTION = np.zeros((0, 0, 2), F32)


def picture(*channels, dtype=F32):
    return np.full((H, W, *channels), 1, dtype)


def mask():
    marked = np.zeros((H, W), bool)
    marked[10, 3 : 3 + N] = True
    return marked


def blocks(value=1.0):
    """A number for each 8 x 8 pixels."""
    return np.full((3, 4), value, F32)


def numbers(*shape, dtype=F32):
    return np.ones(shape, dtype)


def membranes(mask, **options):
    return _kernels.Membranes(mask)(**options)


def masked():
    """Arguments of `MaskedPixels`, as which a binding that takes such an object is tried."""
    return {"positions": np.flatnonzero(mask()), "rows": H, "columns": W}


def dust():
    return {
        "observed": numbers(N, 3),
        "density": numbers(N),
        "labels": np.zeros(N, I32),
        "dark": np.zeros(1, bool),
        "responses": numbers(2, 3, 2),
    }


def warp(name, **more):
    return {
        name: picture(),
        "matrix": np.eye(3),
        "distortion": NO_DISTORTION,
        "pitch": (1.0, 1.0),
        "threads": 1,
        **more,
    }


def sums(**more):
    """Sums of readings over a run."""
    return {
        "readings": np.zeros((H, W), I32),
        "weights": blocks(),
        "side": 8,
        "missing": np.zeros((H, W), I32),
        **more,
    }


def jpeg():
    coded = io.BytesIO()
    Image.fromarray(picture(3, dtype=U8)).save(coded, "JPEG")
    return coded.getvalue()


def scans_and_pages(number):
    return {
        "scans": [picture(dtype=U8)] * number,
        "pages": [picture(2, dtype=U8)] * number,
        "brightness": np.tile([1.0, 0.0], (number, 1)),
        "accuracy": (0.01, 0.15, 255.0),
        "polarity": 0,
        "first_row": 2,
        "shape": (H - 4, W),
        "threads": 1,
    }


# One valid call of each binding; a function makes it, as some bindings write into their arguments.
CALLS = {
    "box_blur": lambda: {"image": picture(), "radius": 2, "threads": 1},
    "dilate": lambda: {"mask": mask(), "radius": 2, "threads": 1},
    "window_median": lambda: {"image": picture(), "radius": 2, "threads": 1},
    "block_means": lambda: {"image": picture(), "known": mask(), "side": 8, "threads": 1},
    "block_spread": lambda: {
        "image": picture(),
        "known": mask(),
        "background": blocks(),
        "side": 8,
        "every": 2,
        "limit": 0.5,
        "threads": 1,
    },
    "add_readings": lambda: {
        "images": [picture()],
        "has_data": [mask()],
        "backgrounds": [blocks()],
        "gains": [blocks()],
        "weights": [blocks()],
        "signs": [1],
        "side": 8,
        "lowest": -1.0,
        "sum": np.zeros((H, W), I64),
        "missing": np.zeros((H, W), I64),
        "threads": 1,
    },
    "add_frame": lambda: {
        "image": picture(dtype=U8),
        "has_data": mask(),
        "sum": np.zeros((H, W), I32),
        "frames": np.zeros((H, W), I32),
        "threads": 1,
    },
    "mean_readings": lambda: sums(threads=1),
    "detail_medians_of_sums": lambda: sums(tile=16, every=2, threads=1),
    "denoise_sums": lambda: sums(floor=blocks(), tile=8, threads=1),
    "tile_medians": lambda: {"map": picture(), "tile": 16, "every": 2, "threads": 1},
    "detail_medians": lambda: {"map": picture(), "tile": 16, "every": 2, "threads": 1},
    "denoise": lambda: {"map": picture(), "floor": blocks(), "tile": 8, "threads": 1},
    "stands_out": lambda: {
        "map": picture(),
        "floor": blocks(),
        "tile": 8,
        "least": 0.02,
        "threads": 1,
    },
    "particle_readings": lambda: {
        "image": picture(),
        "background": blocks(),
        "gain": blocks(),
        "variance": blocks(),
        "side": 8,
        "lowest": -1.0,
        "positions": np.arange(N, dtype=I64),
        "labels": np.zeros(N, I32),
        "expected": numbers(N),
        "particles": 1,
    },
    "interpolate": lambda: {"coarse": blocks(), "side": 8, "rows": H, "columns": W, "threads": 1},
    "luminance": lambda: {"image": picture(3, dtype=U8), "threads": 1},
    "reduce_luminance": lambda: {
        "image": picture(4, dtype=U8),
        "alpha": True,
        "factor": 2,
        "largest": 255.0,
        "threads": 1,
    },
    "connected_components": lambda: {"mask": mask(), "cores": mask()},
    "particles": lambda: {"mask": mask()},
    "limit_areas": lambda: {
        "plane": picture(dtype=np.uint16),
        "smallest": 4,
        "largest": 100,
        "step": 512,
        "lowest": 13,
        "highest": 64,
        "threads": 1,
    },
    "box_fill": lambda: {
        "image": picture(3, dtype=U8),
        **masked(),
        "colours": 3,
        "box": 5,
        "passes": 2,
        "threads": 1,
    },
    "MaskedPixels": masked,
    "softened": lambda: {**masked(), "sigma": 1.0, "threads": 1},
    "structured_fill": lambda: {
        "image": picture(3, dtype=U16),
        **masked(),
        "colours": 3,
        "scale": 1 / 65535,
        "threads": 1,
    },
    "grain": lambda: {
        "image": picture(3),
        **masked(),
        "values": numbers(N, 3),
        "share": numbers(N),
        "threads": 1,
    },
    "combine": lambda: {
        "stack": [picture(4, dtype=U8)] * 3,
        "mode": "mean",
        "alpha": True,
        "threads": 1,
    },
    "statistic": lambda: {
        "stack": [picture(4, dtype=U8)] * 3,
        "mode": "entropy",
        "alpha": True,
        "threads": 1,
    },
    "dust_free_mean": lambda: {
        "stack": [picture(2, dtype=U8)] * 3,
        "dust": [picture(dtype=U8)] * 3,
        "margin": 1,
        "tolerance": (0.1, 0.1),
        "polarity": 1,
        "largest": 255.0,
        "threads": 1,
    },
    "scan_differences": lambda: scans_and_pages(1),
    "scanner_evidence": lambda: scans_and_pages(3),
    "scanner_codes": lambda: scans_and_pages(2),
    "resample": lambda: warp(
        "image",
        alpha=False,
        inverse=False,
        box=(0, 0, W, H),
        gain=np.ones(1),
        offset=np.zeros(1),
        largest=1.0,
        opaque=1.0,
    ),
    "resample_marks": lambda: {
        **warp("marks", inverse=False, box=(0, 0, W, H)),
        "marks": picture(dtype=U8),
    },
    "find_details": lambda: {"luminance": picture(2), "radius": 2, "threads": 1},
    "match_patches": lambda: warp(
        "first", second=picture(), corners=np.zeros((2, 2), I32), gain=1.0, limit=1.0
    ),
    "compare_patches": lambda: {
        "first": picture(),
        "second": picture(),
        "corners": np.zeros((2, 2), I32),
        "side": 16,
        "threads": 1,
    },
    "warp_points": lambda: warp("second", points=np.zeros((2, 2), I32)),
    "solve_band": lambda: {"band": np.ones((4, 1)), "right": np.ones((4, 2))},
    "response_sums": lambda: {
        "observed": numbers(N),
        "filled": numbers(N),
        "density": numbers(N),
        "spread": numbers(N),
        "lift": 1.0,
        "fade": 1.0,
    },
    "exponential": lambda: {"values": numbers(N)},
    "logarithm": lambda: {"values": numbers(N) + 1},
    "shift_sums": lambda: {
        "observed": numbers(N, 1),
        "filled": numbers(N),
        "spread": numbers(N),
        "density": numbers(N),
        "sample": np.arange(N, dtype=I64),
        "labels": np.zeros(N, I32),
        "neighbours": np.full((N, 4), -1, I32),
        "dark": np.zeros(1, bool),
        "responses": np.ones((2, 1, 2), F32),
        "huber": 1.5,
    },
    "density_readings": lambda: {
        "observed": numbers(N, 1),
        "filled": numbers(N),
        "spread": numbers(N),
        "expected": numbers(N),
        "labels": np.zeros(N, I32),
        "dark": np.zeros(1, bool),
        "responses": numbers(2, 1, 2),
        "weight_of_clipped": 0.1,
        "threads": 1,
    },
    "lower_beside": lambda: {
        "opacity": picture(),
        "dust": mask(),
        "threshold": 0.1,
        "below": 0.9,
        "threads": 1,
    },
    "grey_steps": lambda: {"opacity": picture(), "scale": 0.05, "threads": 1},
    "round_grey": lambda: {"grey": picture(), "limit": 32768, "coarse": 256, "threads": 1},
    "roughness": lambda: {
        **dust(),
        "neighbours": np.full((N, 4), -1, I32),
        "faintest": 0.1,
        "threads": 1,
    },
    "unmix": lambda: {
        **dust(),
        "present": np.ones(N, bool),
        "filled": numbers(N, 3),
        "spread": numbers(N),
        "error": numbers(N),
        "noise": 0.01,
        "response_error": 0.1,
        "threads": 1,
    },
    "Membranes": lambda: {
        "mask": mask(),
        "image": picture(3),
        "colours": 3,
        "scale": 1.0,
        "unknown": mask(),
        "threads": 1,
    },
    "repair_jpeg": lambda: {
        "data": jpeg(),
        "after": picture(3, dtype=U8),
        "changed": mask(),
        "of_colours": numbers(3, 3),
        "levels": numbers(3),
    },
    "is_repaired_copy": lambda: {
        "data": jpeg(),
        "repaired": jpeg(),
        "changed": mask(),
        "edits": np.zeros((1, 8), np.int64),
    },
    "equal_away_from": lambda: {
        "one": picture(3, dtype=U8),
        "other": picture(3, dtype=U8),
        "places": mask(),
        "reach": 3,
    },
}

# Lists of numbers whose values may be anything.
ANY_VALUE = {
    "image",
    "map",
    "opacity",
    "grey",
    "first",
    "second",
    "luminance",
    "values",
    "share",
    "expected",
    "observed",
    "filled",
    "density",
    "spread",
    "error",
}


def call(name, arguments):
    if "rows" in arguments and name != "interpolate":
        places = {key: arguments.pop(key) for key in ("positions", "rows", "columns")}
        arguments["masked"] = _kernels.MaskedPixels(**places)
        if name == "MaskedPixels":
            return arguments["masked"]
    return (membranes if name == "Membranes" else getattr(_kernels, name))(**arguments)


def odd_values(name, argument, value):
    """Pairs of a word and a value that does not fit."""
    if isinstance(value, np.ndarray) and value.size:
        yield "nothing", value[:0]
        yield "longer", np.concatenate([value, value])
        yield "one dimension more", value[..., None, None]
        yield "complex", value.astype(np.complex64)
        if value.dtype == bool:
            yield "bytes of 255", np.full(value.shape, 255, U8).view(bool)
        if value.dtype.kind == "f" and argument not in ANY_VALUE:
            yield "not a number", np.full_like(value, np.nan)
        if argument in ("positions", "labels", "neighbours"):
            yield "too large", np.full_like(value, np.iinfo(value.dtype).max)
            yield "too small", np.full_like(value, np.iinfo(value.dtype).min)
    elif isinstance(value, list):
        yield "empty", []
        if isinstance(value[0], np.ndarray):
            if len(value) > 1:
                yield "of two sizes", [value[0], *(each[:-1].copy() for each in value[1:])]
            yield "of pictures without pixels", [each[:0] for each in value]
    elif isinstance(value, bool):
        return
    elif isinstance(value, int):
        yield "text", "2"
        if argument not in ("polarity", "sign"):
            yield "negative", -1
        else:
            yield "two", 2
        if argument == "threads":
            yield "zero", 0
    elif isinstance(value, float):
        yield "not a number", float("nan")
    elif isinstance(value, tuple):
        yield "not numbers", tuple(float("nan") for _ in value)
        yield "too short", value[:1]
    elif isinstance(value, str):
        yield "no such", "nonsense"


# Longer lists of points and larger pictures are as good as others.
FINE = {
    ("corners", "longer"),
    ("points", "longer"),
    ("corners", "nothing"),
    ("points", "nothing"),
    ("distortion", "nothing"),
    ("dark", "longer"),
    ("sample", "longer"),
    ("sample", "nothing"),
    ("values", "longer"),
    ("values", "nothing"),
    ("values", "one dimension more"),
    ("luminance", "longer"),
    ("first", "longer"),
    ("second", "longer"),
    ("matrix", "longer"),
    ("edits", "longer"),
    ("edits", "nothing"),
} | {
    (argument, "longer")
    for argument in ("image", "mask", "map", "opacity", "grey", "plane", "marks")
}

# A mask may have no pixels.
NO_PIXELS = {
    (name, "positions", "nothing")
    for name in ("MaskedPixels", "softened", "box_fill", "structured_fill")
}

CASES = [
    pytest.param(name, argument, value, id=f"{name}-{argument}-{word}".replace(" ", "_"))
    for name, make in CALLS.items()
    for argument, default in make().items()
    for word, value in odd_values(name, argument, default)
    if (argument, word) not in FINE and (name, argument, word) not in NO_PIXELS
]


@pytest.mark.parametrize("name", CALLS)
def test_the_valid_call_is_accepted(name):
    call(name, CALLS[name]())


@pytest.mark.parametrize(("name", "argument", "value"), CASES)
def test_an_argument_that_does_not_fit_is_refused(name, argument, value):
    with pytest.raises((ValueError, TypeError)):
        call(name, {**CALLS[name](), argument: value})


SIDE = 1 << 24  # the largest side of a picture or a block, px
AREA = H * W

# Values just within the limits of an argument, and just beyond.
LIMITS: dict[str, dict[str, tuple[list[object], list[object]]]] = {
    "box_blur": {"radius": ([0, SIDE], [-1, SIDE + 1])},
    "dilate": {"radius": ([0, 32767], [-1, 32768])},
    "window_median": {"radius": ([0, 5], [-1, 6])},
    "block_means": {"side": ([1, SIDE], [0, SIDE + 1])},
    "block_spread": {"every": ([1, SIDE], [0, SIDE + 1]), "limit": ([1e-30], [0.0, -1.0])},
    "interpolate": {
        "rows": ([17, 24], [0, 16, 25, SIDE + 1]),
        "columns": ([25, 32], [0, 24, 33, SIDE + 1]),
    },
    "reduce_luminance": {
        "factor": ([1, min(H, W)], [0, min(H, W) + 1]),
        "largest": ([1e-30], [0.0, -1.0, np.inf]),
    },
    "limit_areas": {
        "smallest": ([0, AREA + 1], [-1, AREA + 2]),
        "largest": ([0, AREA + 1], [-1, AREA + 2]),
        "step": ([1, 65535 // 64], [0, 65535 // 64 + 1, 65536]),
        "lowest": ([1, 64], [0, 65]),
        "highest": ([13, 65535 // 512], [12, 65535 // 512 + 1]),
    },
    "round_grey": {
        "limit": ([0, 65536], [-1, 65537]),
        "coarse": ([1, 2, 32768], [0, 3, 65536]),
    },
    "lower_beside": {
        "threshold": ([1e-30], [0.0, -1.0, np.inf]),
        "below": ([0.0, 1.0], [-1e-6, 1 + 1e-6]),
    },
    "grey_steps": {"scale": ([1e-6, 1 - 1e-6], [0.0, 1.0])},
    "roughness": {
        "faintest": ([0.0], [-1e-6, np.inf]),
        "neighbours": (
            [np.full((N, 4), place, I32) for place in (-1, N - 1)],
            [np.full((N, 4), place, I32) for place in (-2, N)],
        ),
        "labels": ([], [np.full(N, label, I32) for label in (-1, 1)]),
    },
    "density_readings": {"weight_of_clipped": ([0.0], [-1e-6, np.inf])},
    "shift_sums": {"huber": ([1e-30], [0.0, np.inf])},
    "response_sums": {"lift": ([], [np.inf]), "fade": ([], [np.inf])},
    "unmix": {"noise": ([0.0], [-1e-6, np.inf]), "response_error": ([0.0], [-1e-6, np.inf])},
    "resample": {
        "box": (
            [(-SIDE, -SIDE, 1, 1), (SIDE, SIDE, 1, 1)],
            [
                *[(-SIDE - 1, 0, 1, 1), (0, -SIDE - 1, 1, 1), (SIDE + 1, 0, 1, 1)],
                *[(0, SIDE + 1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)],
                *[(0, 0, SIDE + 1, 1), (0, 0, 1, SIDE + 1)],
            ],
        ),
        "gain": ([np.array([-1e6]), np.array([1e6])], [np.array([-1.01e6]), np.array([1.01e6])]),
        "offset": ([np.array([-1e6]), np.array([1e6])], [np.array([-1.01e6]), np.array([1.01e6])]),
        "largest": ([0.0], [-1e-6, np.inf]),
        "opaque": ([0.0], [-1e-6, np.inf]),
        "pitch": ([(1e-3, 1e-3)], [(0.0, 1.0), (1.0, 0.0)]),
        "matrix": (
            [np.eye(3)[:2]],
            [np.eye(3)[:1], np.eye(4), np.eye(4)[:, :3], np.eye(3)[:, :2]],
        ),
        "distortion": (
            [np.zeros(shape, F32) for shape in ((0, 0, 2), (0, 1, 2), (1, 1, 2))],
            [np.zeros(shape, F32) for shape in ((1, 0, 2), (1, 1, 1), (1, 1, 3), (1, 2))],
        ),
    },
    "find_details": {"radius": ([1, 10000], [0, 10001])},
    "match_patches": {"limit": ([1e-30], [0.0, -1.0]), "gain": ([], [np.inf])},
    "compare_patches": {"side": ([1, SIDE], [0, SIDE + 1])},
    "equal_away_from": {"reach": ([1, SIDE], [0, SIDE + 1])},
    "add_readings": {
        "lowest": ([-1.0, 1.0], [-1.01, 1.01]),
        "signs": ([[1], [-1]], [[0], [2], [-2]]),
        "weights": (
            [[blocks() * 0], [blocks() * 0 + 16383]],
            [[blocks() * 0 - 1], [blocks() * 0 + 16384]],
        ),
    },
    "particle_readings": {
        "lowest": ([-1.0, 1.0], [-1.01, 1.01]),
        "particles": ([1, AREA], [0, AREA + 1]),
    },
    "tile_medians": {"every": ([1, SIDE], [0, SIDE + 1])},
    "stands_out": {"least": ([], [np.inf])},
    "box_fill": {
        "box": ([1], [0, SIDE + 1]),
        "passes": ([0, 1000000], [-1, 1000001]),
        "colours": ([3], [0, 1, 2, 4]),
    },
    "structured_fill": {"scale": ([1e-30], [0.0, -1.0, np.inf])},
    "softened": {"sigma": ([0.0, 1000.0], [-1e-6, 1000.001])},
    "MaskedPixels": {"rows": ([], [0, SIDE + 1]), "columns": ([], [0, SIDE + 1])},
    "scanner_evidence": {
        "polarity": ([-1, 1], [-2, 2]),
        "first_row": ([0, SIDE], [-1, SIDE + 1]),
        "shape": (
            [(1, W)],
            [(0, W), (SIDE + 1, W), (H, 0), (H, W - 1), (1, SIDE + 1)],
        ),
        "accuracy": (
            [(1e-30, 0.0, 1e-30)],
            [(0.0, 0.1, 1.0), (0.1, -1e-6, 1.0), (0.1, 0.1, 0.0)],
        ),
    },
    "is_repaired_copy": {
        "edits": ([], [np.zeros(shape, I64) for shape in ((1, 7), (1, 9), (8,), (1, 8, 1))])
    },
    "dust_free_mean": {
        "dust": ([], [[picture(*more, dtype=U8)] * n for more, n in (((), 2), ((), 4), ((2,), 3))]),
        "margin": ([0, (H - 1) // 2], [-1, (H - 1) // 2 + 1]),
        "tolerance": ([(0.0, 0.0)], [(-1e-6, 0.0), (0.0, -1e-6)]),
        "polarity": ([-1, 1], [-2, 2]),
        "largest": ([1.0, 255.0], [0.0, 255.1]),
    },
}


@pytest.mark.parametrize(
    ("name", "argument"), [(name, each) for name, limits in LIMITS.items() for each in limits]
)
def test_values_up_to_a_limit_are_accepted_and_those_beyond_are_refused(name, argument):
    accepted, refused = LIMITS[name][argument]
    for value in accepted:
        call(name, {**CALLS[name](), argument: value})
    for value in refused:
        with pytest.raises((ValueError, TypeError)):
            call(name, {**CALLS[name](), argument: value})


def test_pictures_of_whole_numbers_are_resampled_to_values_that_they_can_hold():
    arguments = {**CALLS["resample"](), "image": picture(dtype=U8), "largest": 255.0}
    for within in (1.0, 255.0):
        for argument in ("largest", "opaque"):
            call("resample", {**arguments, "opaque": 255.0, argument: within})
    for beyond in (0.0, 256.0):
        for argument in ("largest", "opaque"):
            with pytest.raises(ValueError, match="hold"):
                call("resample", {**arguments, "opaque": 255.0, argument: beyond})


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_pictures_and_masks_have_pixels(shape):
    with pytest.raises(ValueError, match="has no pixels"):
        _kernels.box_blur(np.zeros(shape, F32), 1, 1)
    with pytest.raises(ValueError, match="has no pixels"):
        _kernels.dilate(np.zeros(shape, bool), 1, 1)


@pytest.mark.parametrize("channels", range(6))
def test_pictures_have_one_to_four_channels(channels):
    image = np.zeros((3, 4, channels), U8)
    arguments = {"alpha": False, "factor": 1, "largest": 255.0, "threads": 1}
    if 1 <= channels <= 4:
        _kernels.reduce_luminance(image, **arguments)
    else:
        with pytest.raises(ValueError, match="1 to 4 channels"):
            _kernels.reduce_luminance(image, **arguments)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("colours", range(6))
def test_colours_are_all_channels_but_an_alpha(channels, colours):
    masked = _kernels.MaskedPixels(np.arange(3), 5, 6)
    image = np.zeros((5, 6, channels), U8)
    if colours in (1, 3) and channels - colours in (0, 1):
        _kernels.box_fill(image, masked, colours, 3, 1, 1)
    else:
        with pytest.raises(ValueError, match="colours"):
            _kernels.box_fill(image, masked, colours, 3, 1, 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("alpha", [False, True])
def test_one_to_three_colours_are_resampled(channels, alpha):
    colours = channels - alpha
    image, numbers = picture(channels), np.ones(max(colours, 0))
    arguments = {"image": image, "alpha": alpha, "gain": numbers, "offset": numbers}
    if 1 <= colours <= 3:
        page = call("resample", {**CALLS["resample"](), **arguments})
        assert page.shape == (H, W, colours + 1)
    else:
        with pytest.raises(ValueError, match="1 to 3 colours"):
            call("resample", {**CALLS["resample"](), **arguments})


@pytest.mark.parametrize("scan", [1, 2, 3, 4])
@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_a_page_has_an_alpha_and_the_colours_of_its_scan(scan, page):
    arguments = {
        **scans_and_pages(2),
        "scans": [picture(scan, dtype=U8)] * 2,
        "pages": [picture(page, dtype=U8)] * 2,
    }
    if page in (2, 4) and scan in (page - 1, page):
        assert _kernels.scanner_evidence(**arguments).shape == (3, H - 4, W)
    else:
        with pytest.raises(ValueError, match="colours"):
            _kernels.scanner_evidence(**arguments)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_need_an_alpha_where_one_is_used(channels):
    image = picture(channels, dtype=U8)
    dust_free = {**CALLS["dust_free_mean"](), "stack": [image] * 3}
    if channels in (2, 4):
        _kernels.dust_free_mean(**dust_free)
    else:
        with pytest.raises(ValueError, match="alpha"):
            _kernels.dust_free_mean(**dust_free)
    if channels > 1:
        _kernels.combine([image] * 2, "mean", True, 1)
        _kernels.reduce_luminance(image, True, 1, 255.0, 1)
    else:
        with pytest.raises(ValueError, match="no alpha"):
            _kernels.combine([image] * 2, "mean", True, 1)
        with pytest.raises(ValueError, match="no alpha"):
            _kernels.reduce_luminance(image, True, 1, 255.0, 1)


def test_one_pixel_is_a_picture():
    one, places = np.full((1, 1), 7, F32), np.zeros(1, I64)
    mean, share = _kernels.block_means(one, None, 1, 1)
    assert (mean.item(), share.item()) == (7, 1)
    assert _kernels.interpolate(one, 1, 1, 1, 1).item() == 7
    assert _kernels.softened(_kernels.MaskedPixels(places, 1, 1), 0.0, 1).tolist() == [1]
    codes = {**scans_and_pages(2), "scans": [one] * 2, "pages": [np.ones((1, 1, 2), F32)] * 2}
    assert _kernels.scanner_codes(**{**codes, "first_row": 0, "shape": (1, 1)}).shape == (4, 1, 1)


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_a_margin_leaves_at_least_one_row(rows):
    stack, dust = [np.ones((rows, 5, 2), U8)] * 2, [np.zeros((rows, 5), U8)] * 2
    arguments = ((0.1, 0.1), 0, 255.0, 1)
    for margin in (0, 1, 2):
        if 2 * margin < rows:
            page, outcome = _kernels.dust_free_mean(stack, dust, margin, *arguments)
            assert page.shape == (rows - 2 * margin, 5, 2)
            assert outcome.shape == (rows - 2 * margin, 5)
        else:
            with pytest.raises(ValueError, match="margin"):
                _kernels.dust_free_mean(stack, dust, margin, *arguments)


@pytest.mark.parametrize("lowest", [0, 1, 2])
@pytest.mark.parametrize("highest", [0, 1, 2])
def test_limits_of_areas_begin_at_one_step(lowest, highest):
    arguments = {**CALLS["limit_areas"](), "lowest": lowest, "highest": highest}
    if 1 <= lowest <= highest:
        _kernels.limit_areas(**arguments)
    else:
        with pytest.raises(ValueError, match=r"lowest|highest"):
            _kernels.limit_areas(**arguments)


def test_there_may_be_no_particles_but_not_no_frames():
    nothing = {
        "positions": np.zeros(0, I64),
        "labels": np.zeros(0, I32),
        "expected": numbers(0),
        "particles": 0,
    }
    readings, spread = _kernels.particle_readings(**{**CALLS["particle_readings"](), **nothing})
    assert len(readings) == len(spread) == 0
    arguments = CALLS["add_readings"]()
    lists = {name: [] for name, value in arguments.items() if isinstance(value, list)}
    with pytest.raises(ValueError, match="images must not be empty"):
        _kernels.add_readings(**{**arguments, **lists})
    with pytest.raises(ValueError, match="page for each scan"):
        _kernels.scanner_evidence(**scans_and_pages(0))


def test_systems_of_no_equations_or_columns_are_refused():
    for rows, width, columns in ((0, 1, 1), (2, 0, 1), (2, 1, 0)):
        with pytest.raises(ValueError, match="must not be empty"):
            _kernels.solve_band(np.ones((rows, width)), np.ones((rows, columns)))
    assert _kernels.solve_band(np.ones((1, 1)), np.ones((1, 1))).tolist() == [[1]]


def test_sides_of_a_picture_have_a_limit():
    for shape in ((1, SIDE + 1), (SIDE + 1, 1)):
        with pytest.raises(ValueError, match="too large"):
            _kernels.reduce_luminance(np.zeros(shape, U8), False, 1, 1.0, 1)
    for shape in ((1, SIDE), (SIDE, 1)):
        everywhere = np.zeros(shape, U8)
        assert _kernels.equal_away_from(everywhere, everywhere, np.zeros(shape, bool), 1)


def test_places_in_a_mask_have_32_bits():
    """One pixel more than 2^31 - 2; no memory is touched."""
    with pytest.raises(ValueError, match="too many pixels"):
        _kernels.dilate(np.zeros((1, 2**31 - 1), bool), 1, 1)
    with pytest.raises(ValueError, match="too many"):
        _kernels.MaskedPixels(np.zeros(0, I64), 1 << 16, 1 << 15)


def test_positions_ascend_and_lie_in_the_picture():
    for positions in ([0, 5, 29], []):
        _kernels.MaskedPixels(np.array(positions, I64), 5, 6)
    for positions in ([0, 0], [3, 2], [30], [-1, 2]):
        with pytest.raises(ValueError, match="positions"):
            _kernels.MaskedPixels(np.array(positions, I64), 5, 6)


def test_no_more_than_eight_pictures_are_looked_at_together():
    for count in (1, 8, 9):
        planes = [picture()] * count
        if count <= 8:
            _kernels.Membranes(mask()).together(planes, 1.0, 1)
        else:
            with pytest.raises(ValueError, match="8"):
                _kernels.Membranes(mask()).together(planes, 1.0, 1)


def test_all_bindings_are_tried():
    bindings = {
        name
        for name in dir(_kernels)
        if callable(getattr(_kernels, name)) and not name.startswith("_")
    }
    assert bindings - set(CALLS) == {"read_jpeg", "write_jpeg", "stacking_modes"}


@pytest.mark.parametrize("damaged", [b"", b"\xff", b"\xff\xd8", b"no JPEG"])
def test_bytes_that_are_no_jpeg_are_refused(damaged):
    with pytest.raises(RuntimeError):
        _kernels.read_jpeg(damaged)
    with pytest.raises(RuntimeError):
        _kernels.write_jpeg(damaged, [])


def test_a_mode_that_gives_numbers_gives_no_picture():
    for name, is_picture in _kernels.stacking_modes():
        _kernels.statistic([picture(dtype=U8)] * 2, name, False, 1)
        if is_picture:
            _kernels.combine([picture(dtype=U8)] * 2, name, False, 1)
        else:
            with pytest.raises(ValueError, match="numbers"):
                _kernels.combine([picture(dtype=U8)] * 2, name, False, 1)


@pytest.mark.parametrize("mode", [name for name, _ in _kernels.stacking_modes()])
def test_one_picture_is_a_stack(mode):
    result = _kernels.statistic([np.full((9, 9), 7, U8)], mode, False, 1)
    assert (result == (7 if mode in ("maximum", "minimum", "mean", "median", "sum") else 0)).all()


def test_far_away_corners_have_nothing():
    for far in (np.iinfo(I32).min, np.iinfo(I32).max):
        corners = np.full((2, 2), far, I32)
        assert not _kernels.match_patches(
            picture(), picture(), np.eye(3), NO_DISTORTION, (1.0, 1.0), corners, 1.0, 1.0, 1
        ).any()


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="needs a limit of memory")
def test_the_work_is_done_by_the_threads_that_could_be_started():
    script = """
import resource, numpy as np
from dustbust import _kernels
with open("/proc/self/statm") as f:
    taken = int(f.read().split()[0]) * resource.getpagesize()
image = np.random.default_rng(0).random((1000, 200), np.float32)
alone = _kernels.box_blur(image, 1, 1)
resource.setrlimit(resource.RLIMIT_AS, (taken + (100 << 20), taken + (100 << 20)))
assert (_kernels.box_blur(image, 1, 64) == alone).all()
print("same")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "same\n", done.stderr
