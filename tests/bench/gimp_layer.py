"""Apply on a large layer in GIMP: what the plug-in adds to the core's time, and its memory.

    python tests/bench/gimp_layer.py [--megapixels 24] [--bits 8] [--rounds 3]

It runs in the GIMP 3 of this machine, or where DUSTBUST_GIMP_RUN says (see tests/gimp/conftest.py).
The plug-in's time includes its start, reading the layer out of GIMP, and writing it back.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "gimp"))

from conftest import Gimp

INSIDE = Path(__file__).parents[1] / "gimp" / "inside"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gimp = Gimp(Path(folder))
        took, __ = gimp.run_script(
            INSIDE / "bench_layer.py",
            *(folder, str(gimp.plug_in), options.megapixels, options.bits, options.rounds),
            timeout=3600,
        )
    for one in took:
        print(
            f"by the clock: begun after {one['begun']:.2f} s, action {one['action']:.2f} s, core "
            f"{one['core']:.2f} s; of the processors: action {one['used']:.2f} s, core "
            f"{one['used by the core']:.2f} s; peak of the plug-in {one['peak']:.0f} MB"
        )


if __name__ == "__main__":
    main()
