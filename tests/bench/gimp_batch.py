"""Estimate and Apply as procedures in GIMP's batch mode, against the functions of the core.

    python tests/bench/gimp_batch.py [--frames 20] [--megapixels 24] [--rounds 3]

It runs in the GIMP 3 of this machine, or where DUSTBUST_GIMP_RUN says (see tests/gimp/conftest.py).
GIMP's start does not count. The frames are those of the bench of Estimate. The time of the
processors is printed beside the time that passes, because other work on the machine does not change
it much. A second ratio leaves out the two starts of the plug-in, which take GIMP the same time for
frames of any size and number.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "gimp"))
from estimate import make_frames

from conftest import Gimp

INSIDE = Path(__file__).parents[1] / "gimp" / "inside"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name in ("gimp", "run"):
            (folder / name).mkdir()
        gimp = Gimp(folder / "gimp")
        frames = make_frames(folder / "run", options.frames, options.megapixels)
        paths = map(str, (frames[0], frames[-1], folder / "cleaned"))
        took, __ = gimp.run_script(INSIDE / "bench.py", *paths, options.rounds, timeout=3600)
    for place, kind in enumerate(("by the clock", "of the processors")):
        print(f"{kind}, s")
        times = {name: [pair[place] for pair in pairs] for name, pairs in took.items()}
        for name, seconds in times.items():
            print(f"  {name:16s}" + "".join(f"{second:8.2f}" for second in seconds))
        procedures, core, starts = map(min, times.values())
        print(
            f"  procedures / core, the best of each: {procedures / core:.3f}, "
            f"without the starts {(procedures - starts) / core:.3f}"
        )


if __name__ == "__main__":
    main()
