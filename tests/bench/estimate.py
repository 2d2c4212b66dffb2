"""How fast runs are found and masks estimated, against decoding the frames to luminance; and how memory grows with the frames.

    python tests/bench/estimate.py [--frames 50] [--megapixels 6]

The frames are the sample run, enlarged, over and over.
"""
import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from dustbust import estimate_mask, find_runs
from dustbust.frames import frames_in, read_ahead, read_luminance

RUN = Path(__file__).parents[1] / "samples" / "run"


def make_frames(folder, number, megapixels):
    """So many frames in a folder."""
    frames = []
    for path in frames_in(RUN):
        with Image.open(path) as frame:
            scale = (megapixels * 1e6 / (frame.width * frame.height)) ** 0.5
            frames.append(frame.resize((round(frame.width * scale), round(frame.height * scale)), Image.Resampling.BICUBIC))
    for index in range(number):
        frames[index % len(frames)].save(folder / f"{index:03d}.jpg", quality=90)
    return frames_in(folder)


def timed(name, work, unit=None):
    start = time.perf_counter()
    work()
    took = time.perf_counter() - start
    print(f"{name:24s}{took:8.2f} s" + (f"   {took / unit:.2f} times decoding" if unit else ""), flush=True)
    return took


def peak(frames):
    """The peak memory of a process that estimates from these frames, MB."""
    code = "import sys, resource, dustbust; dustbust.estimate_mask(sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    return float(subprocess.run([sys.executable, "-c", code, *map(str, frames)], capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--megapixels", type=float, default=6)
    parser.add_argument("--memory", action="store_true", help="only the peak memory of ten frames and of all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        frames = make_frames(Path(folder), options.frames, options.megapixels)
        if options.memory:
            few, all_frames = peak(frames[:10]), peak(frames)
            print(f"peak memory: 10 frames {few:.0f} MB, {len(frames)} frames {all_frames:.0f} MB, {100 * (all_frames / few - 1):+.1f} %")
            return
        decoding = timed("decoding to luminance", lambda: [None for _ in read_ahead(frames, read_luminance)])
        timed("find_runs", lambda: find_runs(frames), decoding)
        timed("estimate_mask", lambda: estimate_mask(frames), decoding)


if __name__ == "__main__":
    main()
