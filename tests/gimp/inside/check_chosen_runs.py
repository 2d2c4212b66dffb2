"""Estimate with the runs that were chosen in its window, and what the window remembers."""

import json
import shutil

import gi

for library in ("Gdk", "Gtk", "GimpUi"):
    gi.require_version(library, "3.0")
from gi.repository import Gimp

from dustbust_gimp.actions import estimate, frame_files
from dustbust_gimp.dialogs.estimate import begin
from dustbust_gimp.errors import Refused
from dustbust_gimp.gimp.kept import forget_missing_files, read, restore, settings_of, write
from helpers import ESTIMATE, FRAMES, file


class List:
    """In place of the list in the window: what is shown in it."""

    def __init__(self, sources, is_suggestion=False):
        self.kept = {"sources": list(map(str, sources)), "is_suggestion": is_suggestion}

    def state(self):
        return self.kept

    def show_sources(self, sources, is_suggestion):
        self.kept = {"sources": list(map(str, sources)), "is_suggestion": is_suggestion}


def config_of():
    return Gimp.get_pdb().lookup_procedure(ESTIMATE).create_config()


def begun(list_, before, opened):
    begin(list_, config_of(), before, list(map(str, opened)))
    return list_.kept["sources"], list_.kept["is_suggestion"]


def run(runs):
    """The files of each image, and what was told."""
    told = []
    shown = estimate.open_image
    estimate.open_image = lambda found, frame, mode: shown(found, frame, MODES.NONINTERACTIVE)
    try:
        config = config_of()
        config.set_property("run-mode", MODES.INTERACTIVE)
        procedure = Gimp.get_pdb().lookup_procedure(ESTIMATE)
        estimate.run(procedure, config, lambda *_: runs, lambda *result: told.append(result))
    finally:
        estimate.open_image = shown
    images = sorted(Gimp.get_images(), key=lambda image: image.get_id())
    data = [bytes(image.get_parasite("dustbust-run").get_data()) for image in images]
    return [json.loads(each)["frames"] for each in data], told


MODES = Gimp.RunMode
NAMES = list(map(str, FRAMES))


def check_each_run_gets_an_image(folder):
    runs, ((lines, _, steps),) = run([NAMES[:5], NAMES[3:]])
    assert runs == [NAMES[:5], NAMES[3:]]
    assert lines[0].startswith("frame01.jpg to frame05.jpg: "), lines
    assert lines[1].startswith("frame04.jpg to frame08.jpg: "), lines
    ((label, review),) = steps
    assert label == "_Review and apply..."
    assert [reviewed_before_cancel(review, cancelled) for cancelled in (0, 1, 2)] == [1, 2, 2]


def reviewed_before_cancel(review, cancelled):
    """How many masks are shown if the user cancels the one with this number."""
    shown, of_apply = [], estimate._apply
    estimate._apply = lambda image, _display: shown.append(image) or len(shown) <= cancelled
    try:
        review()
    finally:
        estimate._apply = of_apply
    return len(shown)


def check_a_run_that_fails_does_not_stop_the_others(folder):
    broken = [str(folder / f"{number}.jpg") for number in range(3)]
    for path in broken:
        with open(path, "w") as empty:
            empty.write("no picture")
    runs, ((lines, warnings, _),) = run([broken, NAMES])
    assert runs == [NAMES]
    assert warnings[0].startswith("0.jpg to 2.jpg: "), warnings
    assert lines[0].startswith("frame01.jpg to frame08.jpg: "), lines
    try:
        run([broken])
    except Refused:
        return
    raise AssertionError("nothing was said about the only run")


def check_the_list_stays_until_its_work_is_done(folder):
    chosen, other = NAMES[:3], NAMES[5]
    before = {"used": False, "opened": []}
    assert begun(List(chosen), before, [other]) == (chosen, False)
    done = {"used": True, "opened": [other]}
    assert begun(List(chosen), done, [other]) == (chosen, True)
    folder_of_frames = str(FRAMES[0].parent)
    assert begun(List(chosen), {"used": True, "opened": []}, [other]) == ([folder_of_frames], True)


def check_what_is_gone_is_not_in_the_way(folder):
    gone = [folder / "gone" / f"{number}.jpg" for number in range(3)]
    before = {"used": False, "opened": []}
    assert begun(List([*gone, NAMES[0]]), before, []) == (NAMES[:1], False)
    assert begun(List(gone), before, NAMES[1:3]) == (NAMES[1:3], True)
    config, blank = config_of(), folder / "blank.jpg"
    shutil.copy(FRAMES[0], blank)
    config.set_property("blank", file(blank))
    config.set_property("frame", file(gone[0]))
    forget_missing_files(config, ("blank", "frame"))
    assert config.get_property("blank").get_path() == str(blank)
    assert config.get_property("frame") is None


def check_settings_are_kept_while_gimp_runs(folder):
    config = config_of()
    config.set_property("polarity", "both")
    config.set_property("smallest", 9)
    config.set_property("blank", file(FRAMES[1]))
    names = ("polarity", "smallest", "blank", "frame")
    write(frame_files.KEPT, {"settings": settings_of(config, names)})
    again = config_of()
    restore(again, read(frame_files.KEPT)["settings"])
    assert again.get_property("polarity") == "both"
    assert again.get_property("smallest") == 9
    assert again.get_property("blank").get_path() == str(FRAMES[1])
    assert again.get_property("frame") is None
    Gimp.attach_parasite(Gimp.Parasite.new(frame_files.KEPT, 0, b"{damaged"))
    assert read(frame_files.KEPT) == {}
    assert read("dustbust-never-kept") == {}


def check_repeat_takes_the_runs_that_were_confirmed(folder):
    write(frame_files.KEPT, {frame_files.CONFIRMED: [NAMES[:2]]})
    assert frame_files.confirmed_runs() == [NAMES[:2]]
    write(frame_files.KEPT, {})
    assert frame_files.confirmed_runs() is None
