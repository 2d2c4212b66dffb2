"""How fast the windows are in GIMP with large pictures, and whether they ever stop to react.

    python tests/bench/gimp_windows.py [--megapixels 24] [--frames 12] [--inputs FOLDER] [WINDOW]

It runs in the GIMP 3 of this machine, or where DUSTBUST_GIMP_RUN says (see tests/gimp/conftest.py),
on a virtual screen. For each window it tells, from the call of the action: when the window is
painted, when its first preview is shown, and for how long its main loop did nothing else at most.
Then the window is operated: for each action, when the picture shows its effect, and the longest
stall. Inputs that are in FOLDER already are used again.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import dustbust

sys.path.insert(0, str(Path(__file__).parents[1] / "gimp"))

from desktop import Desktop
from inputs import GRAIN, dust, make_frames

from conftest import Gimp

RENDERED = 5  # s
WATCH = Path(__file__).parents[1] / "gimp" / "inside" / "watch"

# Window -> what opens it in GIMP, and what is done in it (see inside/watch/sitecustomize.py).
WINDOWS = {
    "estimate": ("call(ESTIMATE, run_mode=INTERACTIVE)", ""),
    "review": (
        "call(APPLY, run_mode=INTERACTIVE, image=mask, drawables=mask.get_selected_layers())",
        "threshold frame full change",
    ),
    "layer": (
        "call(APPLY, run_mode=INTERACTIVE, image=frame, drawables=frame.get_layers())",
        "spot",
    ),
    "stack": ("call(STACK, run_mode=INTERACTIVE, image=page, drawables=page.get_layers())", "spot"),
}


def make_inputs(folder, frames, megapixels):
    """Frames of a run, their mask, and two scans of a page, as files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(folder.glob("run/*.jpg"))
    if len(files) != frames:
        (folder / "run").mkdir(exist_ok=True)
        files = make_frames(folder / "run", frames, megapixels, share=0.002)
    mask = folder / "mask.png"
    if not mask.exists():
        dustbust.estimate_mask(files).save(mask)
    scans = [folder / "scan0.jpg", folder / "scan1.jpg"]
    if not scans[1].exists():
        page = np.asarray(Image.open(files[0])).astype(np.int16)
        for number, scan in enumerate(scans):
            moved = np.roll(page, (23 * number, 41 * number), (0, 1))
            noise = np.random.default_rng(number).normal(0, GRAIN / 2, page.shape[:2])
            moved += noise.astype(np.int16)[..., None] + dust(page.shape[:2], 0.001)[..., None]
            Image.fromarray(moved.clip(0, 255).astype(np.uint8)).save(scan, quality=95)
    return files, mask, scans


def open_inputs(desktop, files, mask, scans):
    """Open the mask image, a frame and the page in GIMP."""
    frames, (lower, upper) = list(map(str, files)), map(str, scans)
    desktop.ask(
        "from dustbust_gimp import core; from dustbust_gimp.gimp import kept, mask_image\n"
        f"kept.write('dustbust-estimate', {{'list': {{'sources': {frames!r}}}}})\n"
        "import time; INTERACTIVE = Gimp.RunMode.INTERACTIVE\n"
        f"found = core.ask('load_mask', path={str(mask)!r})\n"
        f"mask = mask_image.create(found, {frames!r}, {frames[0]!r}); core.stop()\n"
        f"frame, page = open_image({frames[0]!r}), open_image({lower!r})\n"
        f"upper = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, page, file({upper!r}))\n"
        "page.insert_layer(upper, None, 0); frame.undo_enable(); page.undo_enable()\n"
        "for each in (mask, frame, page): Gimp.Display.new(each)\n"
        "Gimp.displays_flush()",
        timeout=300,
    )
    # GIMP renders the three images for 2 s, and starts no plug-in meanwhile.
    time.sleep(RENDERED)


def watched(desktop, folder, window):
    """Open a window, operate it, close it -> the events in it, with seconds since the call."""
    opening, actions = WINDOWS[window]
    events = folder / "events"
    events.unlink(missing_ok=True)
    (folder / "actions").write_text(actions)
    called = desktop.ask(
        f"called = time.time()\ntry: {opening}\nexcept RuntimeError: pass\nresult = called",
        timeout=600,
    )
    found = [json.loads(line) for line in events.read_text().splitlines()]
    return [{**event, "t": event["t"] - called} for event in found]


def report(window, events):
    """Print what a window did in lines, one for its opening and one for each action."""
    begins = [place for place, event in enumerate(events) if event["what"] == "act"]
    parts = [events[begin:end] for begin, end in zip([0, *begins], [*begins, None], strict=True)]
    for part in parts[:-1]:  # the last one is Cancel
        begin = part[0]["t"] if part[0]["what"] == "act" else 0.0
        stall = max((event["s"] for event in part if event["what"] == "stall"), default=0.0)
        # A zoomed view shows the old pixels first.
        told = {e["what"]: e["t"] - begin for e in (part if begin else reversed(part))}
        times = ", ".join(
            f"{what} after {told[what]:.2f} s"
            for what in ("painted", "picture", "done", "timeout")
            if what in told
        )
        print(f"{window:9} {part[0].get('name', 'opened'):10} {times}; longest stall {stall:.2f} s")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("windows", nargs="*", metavar="WINDOW", help=", ".join(WINDOWS))
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--inputs", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = make_inputs(options.inputs or folder, options.frames, options.megapixels)
        gimp = Gimp(folder)
        gimp.keep_compiled_modules()
        gimp.environment |= {"PYTHONPATH": str(WATCH), "DUSTBUST_WATCH": str(folder)}
        desktop = Desktop(gimp, folder, folder / "pictures")
        try:
            open_inputs(desktop, *inputs)
            for window in options.windows or WINDOWS:
                report(window, watched(desktop, folder, window))
        finally:
            desktop.close()


if __name__ == "__main__":
    main()
