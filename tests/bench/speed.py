"""The speed of all actions in one table: ratios within one run, so that any machine serves.

    python tests/bench/speed.py                    everything, about five minutes on two cores
    python tests/bench/speed.py --only estimate    one action
    python tests/bench/speed.py --plot speed.png   the table as a picture, too
    python tests/bench/speed.py --gain             only what two threads gain, a minute an action
    python tests/bench/speed.py --scaling [dust]   how Estimate's cost grows, or only with one thing
    python tests/bench/speed.py --original         the job of the original's author: 56 frames

Each action's rows come from its own bench: `rows()` in `estimate.py`, `apply.py` and `stack.py`
gives names, ratios of processor time, and the limits that they are to stay below; `gain_rows()`
gives only the row that is measured by the clock, and needs a machine that does nothing else.
"""

import argparse
import importlib
from pathlib import Path

import estimate
from measuring import Row
from PIL import Image, ImageDraw, ImageFont

from dustbust.runtime.memory import keep_for_reuse

ACTIONS = ("estimate", "apply", "stack")

# Of the plot, in px.
BAR, GAP, LEFT, RIGHT, LENGTH = 22, 12, 520, 120, 480


def plot(rows: list[Row], path: Path) -> None:
    """Draw each ratio as a share of its limit."""
    font = ImageFont.load_default(size=16)
    height = GAP + len(rows) * (BAR + GAP)
    picture = Image.new("RGB", (LEFT + LENGTH + RIGHT, height), "white")
    draw = ImageDraw.Draw(picture)
    widest = max(1.25, *(min(ratio / limit, 2.0) for _, ratio, limit in rows))
    limit_at = LEFT + LENGTH / widest
    draw.line((limit_at, 0, limit_at, height), fill="#888888", width=2)
    for number, (name, ratio, limit) in enumerate(rows):
        top = GAP + number * (BAR + GAP)
        length = LENGTH * min(ratio / limit, widest) / widest
        colour = "#4a7a9c" if ratio <= limit else "#b5533c"
        draw.rectangle((LEFT, top, LEFT + length, top + BAR), fill=colour)
        draw.text((LEFT - 10, top + 2), name, "black", font, anchor="ra")
        text = f"{ratio:.2f} of {limit:.3g}"
        at = (LEFT + length + 8, top + 2)
        draw.rectangle(draw.textbbox(at, text, font), fill="white")  # the line may be there
        draw.text(at, text, "black", font)
    picture.save(path)


def main() -> None:
    """Measure, print, plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=ACTIONS, default=ACTIONS, metavar="ACTION")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a PNG with a bar for each row")
    parser.add_argument("--gain", action="store_true", help="only what two threads gain")
    parser.add_argument(
        "--scaling",
        nargs="*",
        choices=estimate.CASES,
        metavar="WITH",
        help=f"only how the cost grows, with all or some of: {', '.join(estimate.CASES)}",
    )
    parser.add_argument("--original", action="store_true", help="only the job of 56 frames")
    options = parser.parse_args()
    keep_for_reuse()  # as the command line and the plug-in's helper do
    if options.scaling is not None or options.original:
        if options.scaling is not None:
            estimate.scaling(options.scaling or estimate.CASES)
        if options.original:
            estimate.original()
        return
    rows: list[Row] = []
    print("| | measured | at most |\n| --- | --- | --- |")
    for action in options.only:
        bench = importlib.import_module(action)
        for name, ratio, limit in bench.gain_rows() if options.gain else bench.rows():
            print(f"| {name} | {ratio:.2f} | {limit:.2f} |", flush=True)
            rows.append((name, ratio, limit))
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
