"""Speed and memory of estimating masks, as ratios to decoding the frames to luminance by Pillow.

    python tests/bench/estimate.py [--megapixels 24] [--frames 10] [--dust 1] [--threads 2]

One table row for each method, for finding runs, for the memory and for the gain of two threads.
`tests/bench/speed.py` shows them among those of the other actions.
"""

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from inputs import make_frames, shape_of
from measuring import Row, gain_row, least, peak_of, timed
from PIL import Image

from dustbust import DustMask, clean_frames, estimate_mask, find_runs
from dustbust.estimation.density_meter import FRAMES_HELD

ESTIMATE = "dustbust.estimate_mask(sys.argv[1:])"

# What the cost may grow with; the usual case, and the values that are tried.
USUAL: dict[str, float] = {"frames": 10, "megapixels": 24, "dust": 0.01, "threads": 2}
CASES: dict[str, tuple[float, ...]] = {
    "frames": (10, 100),
    "megapixels": (2, 24, 100),
    "dust": (0.001, 0.01, 0.05),
    "threads": (1, 2),
}


def decode(paths: Sequence[Path]) -> None:
    """Decode JPEGs to luminance by Pillow, one after the other."""
    for path in paths:
        with Image.open(path) as picture:
            picture.draft("L", picture.size)
            picture.load()


def rows(
    megapixels: float = 24, share: float = 0.01, many: int = 50, threads: int | None = None
) -> list[Row]:
    """What Estimate costs: names, ratios and their limits.

    Parameters
    ----------
    megapixels : float
        Size of a frame.
    share : float
        Share of a frame that dust covers.
    many : int
        Frames of a long run; 10 or fewer leave out its row.
    threads : int or None
        Number of threads.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = make_frames(Path(folder), max(many, 10), megapixels, share=share)
        few = paths[:10]
        decoding = least(partial(decode, few)).processor / len(few)
        found: list[Row] = []
        for name, limit, method in (("sum", 2.0, "sum"), ("opacity", 7.0, "opacity")):
            took = least(partial(estimate_mask, few, method=method, threads=threads))
            ratio = took.processor / decoding / len(few)
            found.append((f"Estimate {name}, 10 frames / decoding them", ratio, limit))
        took = timed(partial(find_runs, few, threads=threads))
        found.append(
            ("Finding runs, 10 frames / decoding them", took.processor / decoding / len(few), 2.0)
        )
        if many > len(few):
            took = timed(partial(estimate_mask, paths, threads=threads))
            ratio = took.processor / decoding / many
            found.append((f"Estimate opacity, {many} frames / decoding them", ratio, 5.0))
        height, width = shape_of(megapixels)
        held = FRAMES_HELD * height * width
        peak = (peak_of(ESTIMATE, few) - held) / (height * width)
        found.append(("Estimate opacity, peak bytes a pixel besides held frames", peak, 20.0))
        found.append(_gain(few))
    return found


def gain_rows(megapixels: float = 24) -> list[Row]:
    """What two threads gain in Estimate, see `measuring.gain_row`."""
    with tempfile.TemporaryDirectory() as folder:
        return [_gain(make_frames(Path(folder), 10, megapixels))]


def _gain(paths: Sequence[Path]) -> Row:
    return gain_row("Estimate", lambda threads: estimate_mask(paths, threads=threads))


def scaling(names: Iterable[str] = CASES) -> None:
    """Print how the cost of Estimate grows: processor time for a frame and pixel, and memory.

    Parameters
    ----------
    names : iterable of str
        Of `CASES`: what it grows with.
    """
    print(
        "| frames | megapixels | dust | threads | ns / pixel and frame | / decoding | bytes / px |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    cases = [USUAL | {name: value} for name in names for value in CASES[name]]
    for case in [case for k, case in enumerate(cases) if case not in cases[:k]]:
        frames, megapixels = int(case["frames"]), case["megapixels"]
        with tempfile.TemporaryDirectory() as folder:
            paths = make_frames(Path(folder), frames, megapixels, share=case["dust"])
            decoding = timed(partial(decode, paths)).processor
            took = timed(partial(estimate_mask, paths, threads=int(case["threads"])))
            height, width = shape_of(megapixels)
            peak = peak_of(ESTIMATE, paths) / (height * width)
        each = 1e9 * took.processor / (frames * height * width)
        print(
            f"| {frames} | {megapixels:g} | {case['dust']:.1%} | {case['threads']:g} "
            f"| {each:.1f} | {took.processor / decoding:.1f} | {peak:.1f} |",
            flush=True,
        )


def original() -> None:
    """Print the times of the job of the original's author: 56 frames, here of 6 megapixels."""
    with tempfile.TemporaryDirectory() as folder:
        paths = make_frames(Path(folder), 56, 6)
        mask = Path(folder) / "mask.png"
        cleaned = Path(folder) / "cleaned"
        for name, work in (
            ("decoding to luminance, one thread", partial(decode, paths)),
            ("Estimate, opacity", lambda: estimate_mask(paths).save(mask)),
            ("Estimate, sum", partial(estimate_mask, paths, method="sum")),
            ("Apply, restore", lambda: clean_frames(paths, DustMask.load(mask), folder=cleaned)),
        ):
            took = timed(work)
            print(f"{name:36s}{took.wall:6.1f} s, of processors {took.processor:6.1f} s")


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--frames", type=int, default=10, help="frames of a long run")
    parser.add_argument("--dust", type=float, default=1, help="share of a frame, percent")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    for name, ratio, limit in rows(
        options.megapixels, options.dust / 100, options.frames, options.threads
    ):
        print(f"{name:60s}{ratio:8.2f}   at most {limit:.2f}")


if __name__ == "__main__":
    main()
