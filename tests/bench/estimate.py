"""Speed of finding runs and estimating masks, against decoding the frames; and growth of memory.

    python tests/bench/estimate.py [--frames 50] [--megapixels 6] [--memory]

The frames are clouds with grain behind the dust of the sample run. Each differs: a frame that comes
again does not count and costs less. The time of the processors is printed beside the time
that passes, because other work on the machine does not change it much.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from dustbust import estimate_mask, find_runs
from dustbust.files.find import frames_in
from dustbust.files.read import read_luminance
from dustbust.runtime.read_ahead import read_ahead

SAMPLES = Path(__file__).parents[1] / "samples"


def cloud(rng, shape):
    """Smooth noise of many sizes, in 0..1."""
    total = np.zeros(shape, np.float32)
    for octave in range(2, 9):
        small = Image.fromarray(rng.normal(size=[3 * 2**octave // 4 + 1] * 2).astype(np.float32))
        total += np.asarray(small.resize(shape[::-1], Image.Resampling.BICUBIC)) / 2**octave
    return (total - total.min()) / np.ptp(total)


def make_frames(folder, number, megapixels):
    """So many frames in a folder."""
    rng = np.random.default_rng(1)
    with Image.open(SAMPLES / "run-dust.png") as dust:
        scale = (megapixels * 1e6 / (dust.width * dust.height)) ** 0.5
        size = round(dust.width * scale), round(dust.height * scale)
        opacity = np.asarray(dust.convert("F").resize(size, Image.Resampling.BICUBIC)) / 255
    for index in range(number):
        scene = (
            0.1
            + 0.6 * cloud(rng, opacity.shape)
            + rng.normal(0, 0.025, opacity.shape).astype(np.float32)
        )
        seen = np.clip(scene + opacity * (1 - scene), 0, 1) * 255
        Image.fromarray(seen.astype(np.uint8)).convert("RGB").save(
            folder / f"{index:03d}.jpg", quality=90
        )
    return frames_in(folder)


def timed(name, work, unit=None):
    """Seconds and processor seconds of some work, printed beside `unit`, those of decoding."""
    start = time.perf_counter(), time.process_time()
    work()
    took = time.perf_counter() - start[0], time.process_time() - start[1]
    print(
        f"{name:24s}{took[0]:8.2f} s, of processors {took[1]:8.2f} s"
        + (
            f"   {took[0] / unit[0]:.2f} and {took[1] / unit[1]:.2f} times decoding" if unit else ""
        ),
        flush=True,
    )
    return took


def peak(frames):
    """The peak memory of a process that estimates from these frames, MB."""
    code = (
        "import sys, resource, dustbust; dustbust.estimate_mask(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    return float(
        subprocess.run(
            [sys.executable, "-c", code, *map(str, frames)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--megapixels", type=float, default=6)
    parser.add_argument(
        "--memory", action="store_true", help="only the peak memory of ten frames and of all"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        frames = make_frames(Path(folder), options.frames, options.megapixels)
        if options.memory:
            few, all_frames = peak(frames[:10]), peak(frames)
            print(
                f"peak memory: 10 frames {few:.0f} MB, {len(frames)} frames {all_frames:.0f} MB, "
                f"{100 * (all_frames / few - 1):+.1f} %"
            )
            return
        decoding = timed(
            "decoding to luminance", lambda: [None for _ in read_ahead(frames, read_luminance)]
        )
        timed("find_runs", lambda: find_runs(frames), decoding)
        timed("estimate_mask", lambda: print(estimate_mask(frames).summary()), decoding)


if __name__ == "__main__":
    main()
