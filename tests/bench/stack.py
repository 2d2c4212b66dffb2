"""How fast scans are combined and aligned, as ratios within one run.

    python tests/bench/stack.py [--megapixels 24]

maximum   five RGB scans, against copying them
median    five RGB scans, against np.median
register  the sample pair, in colour and in grey, enlarged to size, with the noise of a scanner,
          against decoding its two JPEGs on the same processors. It is blank for the most part,
          which is quick to decode, and distorted, which takes longest to align.
"""

import argparse
import io
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from dustbust import register_scans
from dustbust.files.read import read_frame
from dustbust.runtime.threads import count
from dustbust.stacking.statistics import combine

PAIR = [
    Path(__file__).parents[1] / "samples" / "pair" / name for name in ("scan-a.jpg", "scan-b.jpg")
]


def seconds(work, repeats=5):
    """The least time of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def enlarged(megapixels, mode, noise=4.0):
    """The sample pair, "RGB" or "L", as JPEG files in memory.

    Enlarged to this number of megapixels, with noise of that standard deviation (of 255).
    """
    files, rng = [], np.random.default_rng(2)
    for path in PAIR:
        scan = Image.fromarray(read_frame(path)).convert(mode)
        scale = (megapixels * 1e6 / (scan.width * scan.height)) ** 0.5
        large = np.asarray(
            scan.resize(
                (round(scan.width * scale), round(scan.height * scale)), Image.Resampling.BICUBIC
            ),
            np.float32,
        )
        file = io.BytesIO()
        noisy = np.clip(large + noise * rng.standard_normal(large.shape, np.float32), 0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(file, "JPEG", quality=92)
        files.append(file.getvalue())
    return files


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=24)
    megapixels = parser.parse_args().megapixels
    side = round((megapixels * 1e6 / 1.5) ** 0.5)
    rng = np.random.default_rng(1)
    scans = [rng.integers(0, 256, (side, side * 3 // 2, 3), dtype=np.uint8) for _ in range(5)]
    threads = count()

    ours, copying = (
        seconds(work)
        for work in (
            lambda: combine(scans, "maximum", threads=threads),
            lambda: [scan.copy() for scan in scans],
        )
    )
    print(
        f"maximum of five   {ours:.3f} s, {ours / copying:.2f} times copying them ({copying:.3f} s)"
    )
    ours = seconds(lambda: combine(scans, "median", threads=threads))
    theirs = seconds(lambda: np.median(scans, axis=0), 1)
    print(
        f"median of five    {ours:.3f} s, "
        f"np.median takes {theirs / ours:.1f} times as long ({theirs:.2f} s)"
    )

    def decode(file):
        return np.asarray(Image.open(io.BytesIO(file)))

    def decode_all(files):
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(decode, files))

    for mode in ("RGB", "L"):
        files = enlarged(megapixels, mode)
        pair = decode_all(files)
        decoding = seconds(partial(decode_all, files), 3)
        ours = seconds(partial(register_scans, pair), 3)
        print(
            f"registration {mode:4s} {ours:.2f} s, "
            f"{ours / decoding:.1f} times decoding the pair ({decoding:.2f} s)"
        )


if __name__ == "__main__":
    main()
