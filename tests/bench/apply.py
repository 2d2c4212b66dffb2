"""Speed and memory of Apply and of mask files, as ratios to reading and writing by Pillow.

    python tests/bench/apply.py [--megapixels 24] [--frames 8] [--dust 1]

Masks are compared with decoding one frame to luminance; Apply with decoding and encoding each frame
at the same quality. `tests/bench/speed.py` shows the rows among those of the other actions.
"""

import argparse
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from estimate import decode
from inputs import make_frames, shape_of
from measuring import Row, gain_row, least, peak_of
from PIL import Image

from dustbust import DustMask, clean_frames, estimate_mask
from dustbust.files.formats.jpeg import JpegFile

# Gives the peak with this number of workers: mask, folder, workers, frames.
APPLY = (
    "dustbust.clean_frames(sys.argv[4:], sys.argv[1], sys.argv[2], exists='overwrite', "
    "threads=int(sys.argv[3]))"
)
LOAD = (
    "from dustbust.restoration.apply import Cleaner; Cleaner(dustbust.DustMask.load(sys.argv[1]))"
)


def transcode(paths: Sequence[Path]) -> None:
    """Decode JPEGs and encode them with the same tables by Pillow, one after the other."""
    for path in paths:
        with Image.open(path) as picture:
            picture.save(io.BytesIO(), "JPEG", quality="keep")


@contextmanager
def not_read_back() -> Iterator[None]:
    """While this lasts, JPEGs that were written are not decoded again."""
    check = JpegFile._check
    JpegFile._check = lambda self, *what: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        JpegFile._check = check  # type: ignore[method-assign]


def rows(megapixels: float = 24, share: float = 0.01, frames: int = 8) -> list[Row]:
    """What Apply costs: names, ratios and their limits.

    Parameters
    ----------
    megapixels : float
        Size of a frame.
    share : float
        Share of a frame that dust covers.
    frames : int
        How many frames are estimated from and cleaned.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = make_frames(Path(folder), frames, megapixels, share=share)
        file = Path(folder) / "masks" / "dust.png"
        file.parent.mkdir()
        mask = estimate_mask(paths)
        mask.save(file)
        decoding = least(partial(decode, paths)).processor / frames
        found = [
            (f"{name} a mask / decoding a frame", least(work).processor / decoding, limit)
            for name, limit, work in (
                ("Save", 5.0, partial(mask.save, file)),
                ("Load", 2.5, partial(DustMask.load, file)),
            )
        ]
        transcoding = least(partial(transcode, paths)).processor

        def clean(**options: object) -> float:
            """Seconds of processors for all frames."""
            work = partial(clean_frames, paths, mask, exists="overwrite", threads=1, **options)
            return least(work).processor

        for method, limit in (("restore", 4.0), ("fill", 2.5)):
            seconds = clean(method=method)
            found.append((f"Apply {method} / decoding and encoding", seconds / transcoding, limit))
            if method == "restore":
                with not_read_back():
                    found.append(("Reading back / without", seconds / clean(), 1.15))
        found += [*_memory(paths, file, megapixels), _gain(paths, file)]
    return found


def _memory(paths: Sequence[Path], mask: Path, megapixels: float) -> list[Row]:
    height, width = shape_of(megapixels)
    folder = mask.parent / "cleaned"
    ready = peak_of(LOAD, [mask])
    peaks = [peak_of(APPLY, [mask, folder, workers, *paths]) for workers in (1, 2)]
    return [
        (
            f"Apply, peak bytes a pixel and worker, {workers} workers",
            max(peak - ready, 0) / (height * width * workers),
            12.0,
        )
        for workers, peak in zip((1, 2), peaks, strict=True)
    ]


def gain_rows(megapixels: float = 24, frames: int = 8) -> list[Row]:
    """What two workers gain in Apply, see `measuring.gain_row`."""
    with tempfile.TemporaryDirectory() as folder:
        paths = make_frames(Path(folder), frames, megapixels)
        mask = Path(folder) / "masks" / "dust.png"
        mask.parent.mkdir()
        estimate_mask(paths).save(mask)
        return [_gain(paths, mask)]


def _gain(paths: Sequence[Path], mask: Path) -> Row:
    folder = mask.parent / "cleaned"
    return gain_row(
        "Apply",
        lambda workers: clean_frames(paths, mask, folder, exists="overwrite", threads=workers),
    )


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--dust", type=float, default=1, help="share of a frame, percent")
    options = parser.parse_args()
    for name, ratio, limit in rows(options.megapixels, options.dust / 100, options.frames):
        print(f"{name:60s}{ratio:8.2f}   at most {limit:.2f}")


if __name__ == "__main__":
    main()
