"""The windows, operated by keys and mouse, one step after the other. Each step leaves a screenshot.

The pictures go to $DUSTBUST_PICTURES, which tests/gimp/make-pictures sets, or else to the
temporary folder of the session.
"""

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from desktop import (
    Desktop,
    after,
    counts,
    first_dust,
    first_in_list,
    left,
    order_choice,
    right,
    thumbnail,
    view_choice,
)
from PIL import Image

from conftest import CHECKOUT, PREFIX

DONE = "^Dustbust$"  # the window with the result
SAMPLES = CHECKOUT / "tests" / "samples"
FRAMES = sorted((SAMPLES / "run").glob("*.jpg"))
PAIR = sorted((SAMPLES / "pair").glob("*.jpg"))


# A lamp that is in every frame in the same place, as dust is: its centre as shares of width and
# height, and its radius in px.
LAMP, RADIUS = (0.4, 0.45), 18


def around_lamp(shape, factor=1.0):
    """Where the lamp is, bool (H, W); a disk that is `factor` times as large."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(x - LAMP[0] * shape[1], y - LAMP[1] * shape[0]) < RADIUS * factor


@pytest.fixture(scope="module")
def run(gimp):
    """A run of frames in a folder of its own, in which a lamp always hangs."""
    folder = gimp.folder / "Pictures" / "negatives"
    folder.mkdir(parents=True)
    files = []
    for path in FRAMES:
        with Image.open(path) as picture:
            frame = np.array(picture.convert("RGB"))
        frame[around_lamp(frame.shape)] = 235, 228, 205
        files.append(folder / path.name)
        Image.fromarray(frame).save(files[-1], quality=95)
    return files


@pytest.fixture(scope="module")
def desktop(gimp, tmp_path_factory):
    folder = tmp_path_factory.mktemp("desktop")
    desktop = Desktop(
        gimp, folder, Path(os.environ.get("DUSTBUST_PICTURES") or folder / "pictures")
    )
    yield desktop
    desktop.close()


def show(desktop, path):
    """Open a file in a window of GIMP. (What a plug-in opens has no undo unless it is enabled.)"""
    desktop.ask(
        f"shown = open_image({str(path)!r}); shown.undo_enable(); "
        "Gimp.Display.new(shown); Gimp.displays_flush()"
    )


def test_1_menu(desktop, run):
    show(desktop, run[0])
    desktop.main_key("alt+r", "Up", "Right", pause=1)
    desktop.picture("menu")
    desktop.key("Escape", "Escape", "Escape")


def test_2_estimate(desktop, run):
    desktop.menu("e")
    window = desktop.wait_for("Estimate Dust Mask")
    desktop.key("alt+f")
    desktop.wait_for("Add Files")
    desktop.key("slash", "ctrl+a", pause=1)
    desktop.type(str(run[0]))
    desktop.key("Return")
    desktop.wait_gone("Add Files")
    desktop.wait_for_photograph(window, part=first_in_list)
    desktop.key("alt+f")  # begins in the folder of the first, and shows what it points at
    files = desktop.wait_for("Add Files")
    desktop.key("Home", "shift+End")
    desktop.wait_for_photograph(files, part=thumbnail)
    desktop.picture("thumbnail", files)
    desktop.key("alt+a")
    desktop.wait_gone("Add Files")
    time.sleep(1)
    desktop.picture("list", window)
    desktop.click_row(window, 1)
    desktop.key("shift+Down", "Delete", pause=1)  # the second and the third
    desktop.picture("list-shorter", window)
    desktop.drop(run[1], window)
    desktop.wait_for("Estimate Dust Mask")
    time.sleep(1)
    desktop.picture("estimate", window)
    desktop.key("alt+e")
    desktop.wait_until(
        "[image for image in Gimp.get_images() if image.get_parasite('dustbust-mask')]"
    )
    desktop.ask(
        "mask = [image for image in Gimp.get_images() if image.get_parasite('dustbust-mask')][0]"
    )
    assert desktop.ask("result = [role(layer) for layer in all_layers(mask)]") == [
        "overlay",
        "eraser",
        "red",
        "mask",
        "frame",
    ]
    frames = desktop.ask(
        "import json; run = bytes(mask.get_parasite('dustbust-run').get_data()); "
        "result = json.loads(run)['frames']"
    )
    assert frames == list(map(str, run[:2] + run[3:]))
    desktop.wait_for(DONE)
    desktop.picture("estimated")
    desktop.key("Return")
    desktop.main_key("shift+ctrl+j", pause=1.5)
    desktop.picture("mask")


# Where red is shown: where the overlay is not transparent.
RED = """
def red_pixels():
    copy = mask.duplicate()
    for layer in copy.get_layers():
        if role(layer) == "frame":
            copy.remove_layer(layer)
    shown = Gimp.Layer.new_from_visible(copy, copy, "shown")
    try:
        return get(shown, "R'G'B'A u16")[..., 3] > 0
    finally:
        shown.delete()
        copy.delete()
"""


def red(desktop):
    """How many pixels are shown in red."""
    return desktop.ask(RED + "result = int(red_pixels().sum())")


# A threshold whose handle is near the place below.
LOW = 0.05

# Minor version of GIMP -> places in its window: the Fx sign of the mask; in what it opens, the
# threshold and the button that edits it; in the window of the threshold, its lower end and OK.
PLACES = {
    0: ((1128, 772), (1095, 675), (1055, 728), (1064, 728), (1192, 874)),
    2: ((1105, 775), (1072, 678), (1032, 731), (1041, 728), (1166, 873)),
}


def test_3_threshold_moves_the_red(desktop):
    set_low = "filter.get_config().set_property('low', {}); filter.update(); Gimp.displays_flush()"
    desktop.ask(
        "filter = threshold_of(with_role(mask, 'mask')); "
        "suggested = filter.get_config().get_property('low')"
    )
    at_suggestion = red(desktop)
    desktop.ask(set_low.format(LOW))
    before = red(desktop)
    places = (
        PLACES.get(desktop.ask("result = Gimp.MINOR_VERSION")) if PREFIX else None
    )  # another GIMP may have another look
    if places:
        sign, threshold, edit, low, ok = places
        for place in (sign, threshold, edit):
            desktop.click(*place)
        desktop.wait_for("^Threshold$")
        desktop.drag(low, *((low[0] + step, low[1]) for step in (10, 40, 80)))
        desktop.wait_for_true(
            lambda: red(desktop) < before, "the red does not follow the threshold"
        )
        desktop.picture("threshold")
        desktop.key("alt+r")  # Reset means the suggestion
        desktop.click(*ok)
        desktop.wait_gone("^Threshold$")
        # GIMP's window counts in levels of 8 bits, and 0.5 lies between two of them.
        assert red(desktop) == pytest.approx(at_suggestion, rel=0.01)
    else:
        desktop.ask(set_low.format(0.6))
    after = red(desktop)
    assert 0 < after < before
    desktop.picture("mask-higher-threshold")
    desktop.ask(set_low.format(LOW))
    assert red(desktop) == before
    desktop.ask(set_low.format("suggested"))


def shown_at(desktop):
    """Left, top, right and bottom of the dashed yellow line around the selected layer."""
    desktop.picture("screen")
    with Image.open(desktop.pictures / "screen.png") as picture:
        yellow = (np.array(picture.convert("RGB")) == (255, 255, 0)).all(axis=2)
    rows, columns = (np.flatnonzero(yellow.sum(axis=axis) > 100) for axis in (1, 0))
    return columns[0], rows[0], columns[-1], rows[-1]


def test_4_paint_out_the_lamp(desktop):
    """The lamp is red, like dust; a black pencil stroke protects it, and can be undone."""
    at_lamp = """
height, width = mask.get_height(), mask.get_width()
y, x = np.ogrid[:height, :width]
at_lamp = np.hypot(x - {} * width, y - {} * height) < {}
""".format(*LAMP, RADIUS - 3)
    shown = (
        "result = [int(part.sum()) for part in (red_pixels() & at_lamp, red_pixels() & ~at_lamp)]"
    )
    desktop.ask(at_lamp + RED)
    before = desktop.ask(shown)
    assert before[0] > 0
    assert before[1] > 0
    desktop.ask("mask.set_selected_layers([with_role(mask, 'mask')])")
    desktop.main_key("n", "d")
    left, top, right, bottom = shown_at(desktop)
    x, y = (
        int(start + share * (stop - start))
        for share, start, stop in zip(LAMP, (left, top), (right, bottom), strict=True)
    )
    desktop.drag(
        (x - 10, y - 10),
        *[(x + across, y + down) for down in range(-10, 11, 5) for across in (-10, 10)],
    )
    assert desktop.ask(shown)[0] == 0
    desktop.picture("mask-painted")
    desktop.main_key("ctrl+z")
    desktop.wait_until(f"({shown.removeprefix('result = ')}) == {before}")
    desktop.main_key("ctrl+y")
    desktop.wait_until(f"({shown.removeprefix('result = ')})[0] == 0")


# Threshold of the mask image, and how many pixels its red shows.
STATE = (
    "effect = threshold_of(with_role(mask, 'mask')); "
    "result = [effect.get_config().get_property('low'), int(red_pixels().sum())]"
)


def test_5_review(desktop):
    """Particles one by one, rejected by key and by click; the mask image follows, with undo."""
    before = desktop.ask(RED + STATE)
    desktop.menu("a")
    window = desktop.wait_for("Apply Dust Mask to a Run")
    whole = desktop.wait_for_photograph(window, part=left)
    desktop.key("alt+n")
    first = desktop.wait_for_photograph(window, other_than=whole, part=left)
    desktop.picture("review", window)
    desktop.key("b")
    desktop.wait_for_photograph(window, part=left)
    desktop.picture("review-before", window)
    desktop.key("b", "Delete")  # goes on to the next
    second = desktop.wait_for_photograph(window, other_than=first, part=left)
    desktop.key("ctrl+z")  # goes back to the first
    desktop.wait_for_photograph(window, other_than=second, part=left)
    desktop.key("ctrl+y", "Page_Down")
    desktop.wait_for_photograph(window, other_than=first, part=left)
    width, height = desktop.size_of(window)
    desktop.click_in(window, width // 2, height // 2)  # the particle in the middle
    desktop.picture("review-rejected", window)
    desktop.key("alt+g", pause=2)
    desktop.key("Escape")
    desktop.wait_gone("Apply Dust Mask to a Run")
    after = desktop.ask(RED + STATE)
    assert after[0] == before[0]
    assert after[1] < before[1]
    desktop.main_key("ctrl+z")
    desktop.wait_for_true(lambda: desktop.ask(RED + STATE) == before, "undo does not restore it")

    desktop.menu("a")
    window = desktop.wait_for("Apply Dust Mask to a Run")
    desktop.wait_for_photograph(window, part=left)
    desktop.key("alt+o", *["Right"] * 30)
    desktop.key("alt+g", pause=2)
    desktop.key("Escape")
    desktop.wait_gone("Apply Dust Mask to a Run")
    higher = desktop.ask(RED + STATE)
    assert higher[0] > before[0] + 0.1
    assert higher[1] < before[1]
    desktop.main_key("ctrl+z")
    desktop.wait_for_true(lambda: desktop.ask(RED + STATE) == before, "undo does not restore it")


def test_5_views_orders_and_the_line(desktop):
    """What the review shows follows the mouse, and its window keeps the size.

    A review that is cancelled is discarded or kept, as the user says.
    """
    before = desktop.ask(RED + STATE)
    desktop.menu("a")
    window = desktop.wait_for("Apply Dust Mask to a Run")
    whole = desktop.wait_for_photograph(window, part=left)
    width, height = desktop.size_of(window)
    assert width > 1000  # of the 1280 px of the screen
    assert height > 750
    x, y = width // 2, height // 2

    desktop.choose(window, view_choice, "Down", "Down")
    desktop.wait_for_true(
        lambda: np.ptp(desktop.part_of(window, right), axis=2).max() == 0, "no dust alone"
    )
    desktop.picture("review-dust", window)
    assert desktop.wait_for_photograph(window, part=left) == whole
    desktop.drag_in(window, (x, y), (x + 60, y), (x + 170, y))
    desktop.wait_for_photograph(window, part=right)  # now the frame itself is there
    desktop.drag_in(window, (x + 170, y), (x + 60, y), (x, y))

    desktop.choose(window, view_choice, "Up")
    desktop.choose(window, order_choice, "Down")
    desktop.key("alt+n")
    desktop.wait_for_true(
        lambda: (desktop.part_of(window, right) == (230, 30, 30)).all(axis=2).any(), "no red"
    )
    desktop.picture("review-changes", window)
    strongest = desktop.wait_for_photograph(window, part=left)
    desktop.choose(window, order_choice, "Down")
    desktop.key("alt+n")
    largest = desktop.wait_for_photograph(window, other_than=strongest, part=left)

    desktop.turn_wheel(window, x - 100, y, -3)
    smaller = desktop.wait_for_photograph(window, other_than=largest, part=left)
    desktop.drag_in(window, (x - 100, y), (x - 60, y - 20), (x - 20, y - 40))
    desktop.wait_for_photograph(window, other_than=smaller, part=left)

    said = desktop.part_of(window, counts)
    desktop.key("alt+o", "Right", "Right")
    desktop.wait_for_true(
        lambda: (desktop.part_of(window, counts) != said).any(), "the counts stay as they were"
    )
    desktop.resize(window, 1000, 760)
    desktop.key("Escape")
    desktop.wait_gone("Apply Dust Mask to a Run")
    desktop.picture("review-cancelled")
    desktop.key("alt+d")  # Discard
    desktop.wait_gone("^Dustbust$")
    assert desktop.ask(RED + STATE) == before

    desktop.menu("a")
    window = desktop.wait_for("Apply Dust Mask to a Run")
    assert desktop.size_of(window) == (1000, 760)
    desktop.wait_for_photograph(window, part=left)
    desktop.key("alt+o", "Right", "Right", pause=1)
    desktop.key("Escape")
    desktop.wait_for("^Dustbust$")
    desktop.key("alt+k")  # Keep
    desktop.wait_for_true(
        lambda: desktop.ask(RED + STATE)[0] > before[0] + 0.005, "nothing was kept"
    )
    desktop.main_key("ctrl+z")
    desktop.wait_for_true(lambda: desktop.ask(RED + STATE) == before, "undo does not restore it")


@pytest.fixture(scope="module")
def opened(gimp):
    """The file in which a file manager writes down the folders that it was asked to show."""
    home = Path(gimp.environment["HOME"])
    listed, manager = home / "opened", home / "file-manager"
    manager.write_text(f'#!/bin/sh\necho "$1" >> {listed}\n')
    manager.chmod(0o755)
    for path, content in (
        (
            ".local/share/applications/file-manager.desktop",
            f"[Desktop Entry]\nType=Application\nName=Files\nExec={manager} %f\n"
            "MimeType=inode/directory;\n",
        ),
        (".config/mimeapps.list", "[Default Applications]\ninode/directory=file-manager.desktop\n"),
    ):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(content)
    return listed


def test_5_apply_to_the_run(desktop, run, opened):
    before = desktop.ask(RED + STATE)
    desktop.menu("a")
    window = desktop.wait_for("Apply Dust Mask to a Run")
    first = desktop.wait_for_photograph(window, part=left)
    desktop.picture("apply-run", window)
    desktop.key("alt+n")
    particle = desktop.wait_for_photograph(window, other_than=first, part=left)
    desktop.key("Delete")  # a decision that reaches the mask image with the files
    second = desktop.wait_for_photograph(window, other_than=particle, part=left)
    desktop.picture("apply-run-particle", window)
    desktop.key("alt+p", "Up")
    desktop.wait_for_photograph(window, other_than=second, part=left)
    desktop.picture("apply-run-other-frame", window)
    desktop.key("alt+w")
    written = run[0].parent / "cleanedphotos"
    of_mask = run[:2] + run[3:]  # see test_2_estimate
    names = [path.name for path in of_mask]
    desktop.wait_for_true(
        lambda: sorted(path.name for path in written.glob("*.jpg")) == names,
        "not all frames were cleaned",
    )
    desktop.wait_gone("Apply Dust Mask to a Run")
    desktop.wait_for(DONE)
    desktop.picture("apply-run-done")
    desktop.key("alt+f")  # Show folder
    desktop.wait_gone(DONE)
    desktop.wait_for_true(opened.exists, "no folder was shown")
    assert opened.read_text().split() == [str(written)]
    assert desktop.ask(RED + STATE)[1] < before[1]
    desktop.main_key("ctrl+z")
    desktop.wait_for_true(lambda: desktop.ask(RED + STATE) == before, "undo does not restore it")
    for path in of_mask:
        before, after = (
            np.array(Image.open(file)).astype(int) for file in (path, written / path.name)
        )
        lamp = around_lamp(before.shape)
        assert np.array_equal(before[lamp], after[lamp])
        assert (before != after).any(), "there is dust in every frame"


def test_5_a_run_whose_folder_was_renamed(desktop, run):
    """It is found from one of its frames, in the window that misses it."""
    here, there = run[0].parent, run[0].parent.with_name("renamed")
    here.rename(there)
    desktop.menu("a")
    window = desktop.wait_for("Apply Dust Mask to a Run")
    time.sleep(2)  # until the window knows that the files are gone
    desktop.picture("moved", window)
    desktop.key("alt+k")
    desktop.wait_for("One Frame of the Run")
    desktop.key("slash", "ctrl+a", pause=1)
    desktop.type(str(there / run[1].name))
    desktop.key("Return")
    desktop.wait_gone("One Frame of the Run")
    desktop.wait_for_photograph(window, part=left)
    desktop.picture("moved-found", window)
    desktop.key("Escape")
    desktop.wait_gone("Apply Dust Mask to a Run")
    there.rename(here)
    folders = desktop.ask(
        "import json, os; run = bytes(mask.get_parasite('dustbust-run').get_data()); "
        "result = sorted({os.path.dirname(file) for file in json.loads(run)['frames']})"
    )
    assert folders == [str(there)]


def test_6_apply_to_a_layer_within_a_selection_and_undo(desktop, run):
    show(desktop, run[3])
    desktop.ask("layer = shown.get_layers()[0]; before = get(layer, \"R'G'B' u8\")")
    desktop.main_key("shift+ctrl+j", "r")
    desktop.drag((300, 300), (400, 400), (800, 700))
    desktop.picture("selected")
    __, __, left, top, right, bottom = desktop.ask(
        "result = [int(part) for part in Gimp.Selection.bounds(shown)]"
    )
    assert 0 < right - left < desktop.ask("result = shown.get_width()")
    desktop.menu("a")
    window = desktop.wait_for("Apply Dust Mask to a Layer")
    desktop.wait_for_photograph(window)
    desktop.picture("apply-layer", window)
    desktop.key("alt+a")
    desktop.wait_until("len(shown.get_layers()) == 2")  # the repairs are a layer of their own
    desktop.wait_for(DONE)
    desktop.picture("layer-cleaned")
    desktop.key("Return")
    desktop.wait_gone(DONE)
    assert desktop.ask("result = bool((get(layer, \"R'G'B' u8\") == before).all())")
    outside = (
        "repaired = get(shown.get_layers()[0], \"R'G'B'A u8\")[..., 3] > 0; some = repaired.any(); "
        "repaired[{}:{}, {}:{}] = False; result = [bool(some), int(repaired.sum())]"
    )
    assert desktop.ask(outside.format(top, bottom, left, right)) == [True, 0]
    desktop.main_key("ctrl+z")
    desktop.wait_until("len(shown.get_layers()) == 1")
    desktop.main_key("ctrl+f")  # Repeat does not ask
    desktop.wait_until("len(shown.get_layers()) == 2")
    assert not desktop.windows("Apply Dust Mask to a Layer")
    assert not desktop.windows("GIMP Message")  # what it did is short enough for the status bar


def test_7_stack(desktop):
    show(desktop, PAIR[0])
    desktop.ask(
        f"scan = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, shown, file({str(PAIR[1])!r}))\n"
        "shown.insert_layer(scan, None, 0)"
    )
    desktop.menu("s")
    window = desktop.wait_for("Stack Offset Scans")
    first = desktop.wait_for_photograph(window)
    desktop.key("alt+n")
    desktop.wait_for_photograph(window, other_than=first)
    desktop.picture("stack", window)
    second = desktop.wait_for_photograph(window, part=after)
    desktop.key("alt+m", "Down")  # another mode: the preview follows at once
    desktop.wait_for_photograph(window, other_than=second, part=after)
    desktop.picture("stack-other-mode", window)
    desktop.key("alt+m", "Up")
    desktop.key("alt+k")
    desktop.wait_until("len(shown.get_layers()) == 3", timeout=240)
    desktop.wait_gone("Stack Offset Scans")
    desktop.wait_for(DONE)
    desktop.picture("stacked")
    desktop.key("Return")
    desktop.wait_gone(DONE)
    desktop.main_key("ctrl+z")
    desktop.wait_until("len(shown.get_layers()) == 2")
    assert not desktop.windows("GIMP Message")


def runs_of_masks(desktop):
    """Names of the files of the run of each mask image, the latest mask last."""
    return desktop.ask(
        "import json, os; masks = [image for image in Gimp.get_images() "
        "if image.get_parasite('dustbust-mask') and image.get_parasite('dustbust-run')]\n"
        "masks.sort(key=lambda image: image.get_id())\n"
        "runs = [json.loads(bytes(mask.get_parasite('dustbust-run').get_data()))['frames'] "
        "for mask in masks]\n"
        "result = [[os.path.basename(file) for file in run] for run in runs]"
    )


def estimate_when_ready(desktop, then="Return"):
    """Press Estimate as soon as it is possible, and a key in the window at the end."""

    def pressed():
        if desktop.windows("Estimate Dust Mask"):
            desktop.key("alt+e")
        return not desktop.windows("Estimate Dust Mask")

    desktop.wait_for_true(pressed, "Estimate is not possible")
    desktop.wait_for(DONE, timeout=120)
    desktop.picture("runs-estimated")
    desktop.key(then)
    desktop.wait_gone(DONE)


def test_8_masks_of_several_runs(desktop, run):
    """Two runs in one folder: the second one is the first, turned, so its dust is elsewhere."""
    folder = run[0].parent.parent / "roll"
    folder.mkdir()
    first, second = [], []
    for path in run:
        with Image.open(path) as picture:
            first.append(f"a {path.name}")
            picture.save(folder / first[-1], quality=95)
            second.append(f"b {path.name}")
            picture.transpose(Image.Transpose.ROTATE_180).save(folder / second[-1], quality=95)
    before = runs_of_masks(desktop)
    desktop.menu("e")
    desktop.wait_for("Estimate Dust Mask")
    desktop.key("alt+a")
    desktop.wait_for("Add a Folder")
    desktop.key("slash", "ctrl+a", pause=1)
    desktop.type(str(folder))
    desktop.key("Return")
    desktop.wait_gone("Add a Folder")
    desktop.key("alt+n", pause=1)
    desktop.key("Escape")
    desktop.wait_gone("Estimate Dust Mask")
    desktop.menu("e")  # the list is still there, and that runs are wanted
    desktop.wait_for("Estimate Dust Mask")
    estimate_when_ready(desktop)
    assert runs_of_masks(desktop) == [*before, first, second]
    desktop.menu("e")
    window = desktop.wait_for("Estimate Dust Mask")

    def dust_is_shown():
        part = desktop.part_of(window, first_dust)
        return np.ptp(part, axis=2).max() == 0 and part.min() < 40 and part.max() > 120

    desktop.wait_for_true(dust_is_shown, "the runs are not shown with their dust")
    desktop.picture("runs", window)
    desktop.click_row(window, 0)
    desktop.key("Return", pause=1)
    desktop.picture("runs-unticked", window)
    estimate_when_ready(desktop, then="alt+r")  # Review and apply
    window = desktop.wait_for("Apply Dust Mask to a Run: b ")
    desktop.wait_for_photograph(window, part=left)
    desktop.key("Escape")
    desktop.wait_gone("Apply Dust Mask to a Run")
    assert runs_of_masks(desktop) == [*before, first, second, second]
    desktop.menu("e")  # a tick that was taken away does not hold for a list without runs
    desktop.wait_for("Estimate Dust Mask")
    desktop.key("alt+n", pause=1)
    estimate_when_ready(desktop)
    assert runs_of_masks(desktop)[-1] == first + second


def test_8_a_list_of_open_images_and_of_a_dropped_folder(desktop, run):
    def listed_after(act):
        desktop.menu("e")
        window = desktop.wait_for("Estimate Dust Mask")
        desktop.key("alt+y", pause=1)  # Empty
        act(window)
        desktop.wait_for("Estimate Dust Mask")
        time.sleep(1.5)
        desktop.key("Escape")
        desktop.wait_gone("Estimate Dust Mask")
        return desktop.ask(
            "import json; kept = bytes(Gimp.get_parasite('dustbust-estimate').get_data()); "
            "result = json.loads(kept)['list']['sources']"
        )

    for path in run[:2]:  # opened as a user does it, so that the images know their files
        number = desktop.ask("result = len(Gimp.get_images())")
        desktop.main_key("ctrl+o")
        desktop.wait_for("Open Image")
        desktop.key("slash", "ctrl+a", pause=1)
        desktop.type(str(path))
        desktop.key("Return")
        desktop.wait_until(f"len(Gimp.get_images()) == {number + 1}")
    desktop.wait_gone("Open Image")
    added = listed_after(lambda _window: desktop.key("alt+i"))
    opened = desktop.ask(
        "result = [image.get_file().get_path() for image in Gimp.get_images() if image.get_file()]"
    )
    assert set(map(str, run[:2])) <= set(added) <= set(opened)
    folder = run[0].parent.parent / "roll"
    files = sorted(map(str, folder.glob("*.jpg")))
    assert listed_after(lambda window: desktop.drop(folder, window)) == files


def test_8_help_where_no_browser_is(desktop):
    """GIMP itself would show an error."""
    if not desktop.ask(
        "from gi.repository import Gio; "
        "result = Gio.AppInfo.get_default_for_type('text/html', False) is None"
    ):
        pytest.skip("this system has a browser")
    desktop.menu("e")
    desktop.wait_for("Estimate Dust Mask")
    desktop.key("alt+h")
    window = desktop.wait_for("Help on Dustbust")
    desktop.picture("help", window)
    desktop.key("Escape")
    desktop.wait_gone("Help on Dustbust")
    desktop.wait_for("Estimate Dust Mask")
    desktop.key("Escape")
    desktop.wait_gone("Estimate Dust Mask")


def status_bar(desktop):
    """What GIMP's window shows in its lowest rows, without the docks."""
    desktop.picture("status")
    with Image.open(desktop.pictures / "status.png") as picture:
        return np.array(picture.convert("L"))[850:895, :1040].astype(int)


def test_9_gimps_own_cancel_button(desktop):
    """It ends the plug-in and its helper, and the image stays as it was."""
    desktop.ask(
        "big = new_image(2400, 2400); rng = np.random.default_rng(1)\n"
        "page = rng.integers(0, 255, (2400, 2400, 3)).astype(np.uint8)\n"
        "for n in range(5): add_layer(big, np.roll(page, 9 * n, 1), \"R'G'B' u8\")\n"
        "Gimp.Display.new(big); Gimp.displays_flush()"
    )
    desktop.menu("s")
    desktop.wait_for("Stack Offset Scans")
    desktop.key("alt+m", "Down")  # not Dust-free: a page of noise has no dust
    before = status_bar(desktop)
    desktop.key("alt+k")
    desktop.wait_gone("Stack Offset Scans")
    # The button appears at the right end of the progress bar.
    desktop.wait_for_true(
        lambda: (np.abs(status_bar(desktop) - before) > 20).sum() > 300, "there is no progress bar"
    )
    rows, columns = np.nonzero(np.abs(status_bar(desktop) - before) > 20)
    assert desktop.helpers()
    desktop.click(int(columns.max()) - 25, 850 + int(np.median(rows[columns > columns.max() - 60])))
    desktop.wait_for_true(lambda: not desktop.helpers(), "the helper is still there", 10)
    assert desktop.ask("result = len(big.get_layers())") == 5
    assert not desktop.windows(DONE)


def test_8_action_search(desktop):
    desktop.main_key("slash", pause=1.5)
    desktop.type("speck")
    desktop.picture("search")
    desktop.key("Escape")


def test_9_nothing_on_the_console_is_ours(desktop):
    console = (desktop.folder / "console.log").read_text()
    noise = ("gimp_flush()", "dbus-daemon")
    ours = [
        line
        for line in console.splitlines()
        if re.search("dustbust|Traceback|mnemonic|PyGI", line)
        and not any(word in line for word in noise)
    ]
    assert not ours, "\n".join(ours)
