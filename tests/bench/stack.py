"""Speed and memory of stacking, as ratios to OpenCV's cubic warp of the scans and a maximum.

    python tests/bench/stack.py [--megapixels 24] [--dust 1] [--threads 2] [--memory]

The scans are grey and registered, but for the row of the registration. "Page" is a page that lies
askew in the second scan, with the grain of film and with real dust, which covers one percent. "Real
pair" is the sample pair, enlarged to size, with the noise of a scanner: its distortion takes
longest to find and to follow, and its dust is as much enlarged. `tests/bench/speed.py` shows the
rows among those of the other actions. --memory adds those of the memory, which take some minutes.
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tifffile
from inputs import GRAIN, SAMPLES, dust, shape_of
from measuring import Row, gain_row, least, peak_of

from dustbust import Registration, register_scans, stack_scans
from dustbust.files.read import read_frame

PAIR = [SAMPLES / "pair" / name for name in ("scan-a.jpg", "scan-b.jpg")]

# Of 255: the deviation of the noise of a scanner.
NOISE = 4.0

# Margin of the page around the first scan, px, so that it fills the others too.
MARGIN = 160

STACK = "dustbust.stack_scans(sys.argv[1:])"


def enlarged_pair(megapixels: float) -> list[np.ndarray]:
    """The sample pair in grey, uint8, enlarged to this number of megapixels."""
    scans, rng = [], np.random.default_rng(2)
    for path in PAIR:
        scan = read_frame(path)
        height, width = scan.shape
        scale = (megapixels * 1e6 / scan.size) ** 0.5
        size = round(width * scale), round(height * scale)
        scans.append(noisy(cv2.resize(scan, size, interpolation=cv2.INTER_CUBIC), NOISE, rng))
    return scans


def noisy(picture: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """A uint8 picture with noise, strip by strip."""
    result = np.empty_like(picture)
    for top in range(0, len(picture), 256):
        rows = picture[top : top + 256]
        values = rows + np.float32(deviation) * rng.standard_normal(rows.shape, np.float32)
        result[top : top + 256] = np.clip(np.rint(values), 0, 255)
    return result


def movements(number: int, shape: tuple[int, int]) -> list[np.ndarray]:
    """Matrices (3, 3) from scan 0 to each scan: shifts, and turns by up to a tenth of a degree."""
    rng = np.random.default_rng(4)
    matrices = [np.eye(3)]
    for _ in range(1, number):
        matrix = np.eye(3)
        matrix[:2] = cv2.getRotationMatrix2D(
            (shape[1] / 2, shape[0] / 2), rng.uniform(-0.1, 0.1), 1
        )
        matrix[:2, 2] += rng.uniform(20, 60, 2) * rng.choice([-1, 1], 2)
        matrices.append(matrix)
    return matrices


def page_scans(
    number: int, shape: tuple[int, int], share: float
) -> tuple[Callable[[int], np.ndarray], list[Registration]]:
    """A function that makes scan k of a page, uint8 (H, W), and the registrations of all."""
    page = read_frame(PAIR[0])
    height, width = shape
    page = cv2.resize(
        page, (width + 2 * MARGIN, height + 2 * MARGIN), interpolation=cv2.INTER_CUBIC
    )
    lies = dust(shape, share)
    matrices = movements(number, shape)
    inside = np.array([[1, 0, MARGIN], [0, 1, MARGIN], [0, 0, 1]], float)

    def scan(k: int) -> np.ndarray:
        there = inside @ np.linalg.inv(matrices[k])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(page, there[:2], (width, height), flags=flags)
        for top in range(0, height, 256):
            rows = seen[top : top + 256]
            rows[:] = rows * (255 - lies[top : top + 256].astype(np.uint16)) // 255
        return noisy(seen, GRAIN, np.random.default_rng([5, k]))

    moved = [float(np.hypot(*matrix[:2, 2])) for matrix in matrices]
    found = [Registration(m, moved=d) for m, d in zip(matrices, moved, strict=True)]
    return scan, found


def warp_and_maximum(scans: list[np.ndarray], registrations: list[Registration]) -> np.ndarray:
    """What the rows are compared with: OpenCV's cubic warp of each scan, and their maximum."""
    size = scans[0].shape[::-1]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    page = cv2.warpAffine(scans[0], np.eye(3)[:2], size, flags=flags)
    for scan, found in zip(scans[1:], registrations[1:], strict=True):
        np.maximum(page, cv2.warpAffine(scan, found.matrix[:2], size, flags=flags), out=page)
    return page


def rows(
    megapixels: float = 24, share: float = 0.01, threads: int | None = None, *, memory: bool = False
) -> list[Row]:
    """What Stack costs: names, ratios and their limits.

    Parameters
    ----------
    megapixels : float
        Size of a scan.
    share : float
        Share of a scan that dust covers.
    threads : int or None
        Number of threads.
    memory : bool
        Also two scans of 120 megapixels and 40 of 12: bytes a pixel of one scan.
    """
    found: list[Row] = []
    pair = enlarged_pair(megapixels)
    registrations = register_scans(pair, threads=threads)
    scan, true = page_scans(2, shape_of(megapixels), share)
    of_page = [scan(0), scan(1)]
    for name, scans, placed in (("real pair", pair, registrations), ("page", of_page, true)):
        unit = least(partial(warp_and_maximum, scans, placed), 3).processor
        works: list[tuple[str, float, Callable[[], object]]] = [
            ("Registration", 2.3, partial(register_scans, scans, threads=threads))
        ]
        works += [
            (
                f"Stack {mode}, registered",
                limit,
                partial(stack_scans, scans, mode=mode, registrations=placed, threads=threads),
            )
            for mode, limit in (("maximum", 4.0), ("dust-free", 15.0))
        ]
        for what, limit, work in works:
            ratio = least(work).processor / unit
            found.append((f"{what} ({name}) / warp and maximum", ratio, limit))
    found.append(_gain(of_page, true))
    return found + (memory_rows(share) if memory else [])


def gain_rows(megapixels: float = 24) -> list[Row]:
    """What two threads gain in Stack, see `measuring.gain_row`."""
    scan, true = page_scans(2, shape_of(megapixels), 0.01)
    return [_gain([scan(0), scan(1)], true)]


def _gain(scans: list[np.ndarray], registrations: list[Registration]) -> Row:
    return gain_row(
        "Stack",
        lambda threads: stack_scans(scans, registrations=registrations, threads=threads),
    )


def memory_rows(share: float = 0.01) -> list[Row]:
    """Peak memory of the mode dust-free, from files to the page, in bytes a pixel of one scan."""
    found: list[Row] = []
    for number, shape in ((2, (20000, 6000)), (40, (3000, 4000))):
        with tempfile.TemporaryDirectory() as folder:
            scan, _ = page_scans(number, shape, share)
            paths = [Path(folder, f"{k:02d}.tif") for k in range(number)]
            for k, path in enumerate(paths):
                tifffile.imwrite(path, scan(k))
            del scan
            pixels = shape[0] * shape[1]
            name = f"Stack dust-free of {number} x {pixels // 1_000_000} MP, peak bytes a pixel"
            found.append((name, peak_of(STACK, paths) / pixels, 12.0))
    return found


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--dust", type=float, default=1, help="share of a scan, percent")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    for name, ratio, limit in rows(
        options.megapixels, options.dust / 100, options.threads, memory=options.memory
    ):
        print(f"{name:70s}{ratio:8.2f}   at most {limit:.2f}")


if __name__ == "__main__":
    main()
