"""What a mask image over a frame of 8 bits takes of GIMP's memory.

    python tests/bench/gimp_mask_image.py [--megapixels 24]

It runs in the GIMP 3 of this machine, or where DUSTBUST_GIMP_RUN says (see tests/gimp/conftest.py).
Once shown, that includes a copy of what is seen, 4 bytes a pixel, which a window does not make.
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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (before, made, shown, seconds), __ = Gimp(Path(folder)).run_script(
            INSIDE / "bench_mask_image.py", folder, options.megapixels, timeout=3600
        )
    print(
        f"made in {seconds:.2f} s; GIMP takes {before:.0f} MB before, "
        f"{made - before:.0f} MB more with the image, {shown - before:.0f} MB more once it is shown"
    )


if __name__ == "__main__":
    main()
