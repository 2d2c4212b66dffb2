"""Watches a window of the plug-in, in its process: when it is painted, shows a picture, or stalls.

Python imports this module by itself where PYTHONPATH names its folder. DUSTBUST_WATCH names a
folder for the file `events`, JSON in lines, each with the time.time() at which it happened:

    {"what": "painted"}           the window was drawn for the first time
    {"what": "picture"}           a picture was shown, not for the first time with these pixels
    {"what": "stall", "s": 0.2}   the main loop did nothing else for this long
    {"what": "act", "name": ...}  one of the ACTIONS below was begun

Once the first picture is shown, the window is operated by what the file `actions` lists in the same
folder. Each action waits until the next picture, or until the window is as it should be, and for
another SETTLED s. In the end the window is closed by Cancel.
"""

import json
import os
import sys
import time
from pathlib import Path

TICK, LATE = 0.02, 0.05  # s between two looks, and the least delay that is a stall
LARGE = 100  # px: a picture of at least this width is a preview
SETTLED = 1.0  # s
PATIENCE = 60.0  # s for an action
PICTURE = 3  # column of the list of frames


FOLDER = Path(os.environ.get("DUSTBUST_WATCH", ""))


def tell(what, **more):
    with open(FOLDER / "events", "a") as file:
        file.write(json.dumps({"what": what, "t": time.time(), **more}) + "\n")


def all_widgets(widget):
    yield widget
    if hasattr(widget, "get_children"):
        for child in widget.get_children():
            yield from all_widgets(child)


class Watch:
    """Looks at all windows of this process every TICK seconds."""

    def __init__(self):
        from gi.repository import GLib, Gtk

        self.gtk = Gtk
        self.clock, self.painted, self.pictures = None, False, {}
        self.actions = (FOLDER / "actions").read_text().split()
        self.done, self.shown, self.acted = None, 0.0, 0.0
        self.last = time.perf_counter()
        GLib.timeout_add(int(1000 * TICK), self.tick)

    def tick(self):
        now = time.perf_counter()
        late, self.last = now - self.last - TICK, now
        if self.painted and late >= LATE:
            tell("stall", s=late)
        for window in self.gtk.Window.list_toplevels():
            if window.get_mapped() and isinstance(window, self.gtk.Dialog):
                self.look(window)
        self.last += time.perf_counter() - now  # this look is not a stall
        return True

    def look(self, window):
        if not self.clock and window.get_frame_clock():
            self.clock = window.get_frame_clock()
            self.clock.connect("after-paint", lambda _clock: self.drawn(window))
            window.queue_draw()
        for widget in all_widgets(window):
            if isinstance(widget, self.gtk.Image):
                self.look_at(widget)
            if isinstance(widget, self.gtk.TreeView) and widget not in self.pictures:
                self.look_at_list(widget)
        if self.shown and time.time() - self.shown > SETTLED and self.is_done():
            self.act(window)

    def drawn(self, window):
        if not self.painted:
            self.painted = True
            tell("painted", title=window.get_title())

    def look_at(self, image):
        pixbuf = image.get_pixbuf() if image.get_mapped() else None
        if pixbuf is None or pixbuf.get_width() < LARGE:
            return
        pixels = pixbuf.get_pixels()
        if len(set(pixels[:: len(pixels) // 997])) > 20 and self.pictures.get(image) != pixels:
            self.pictures[image] = pixels
            self.shown = time.time()
            tell("picture")

    def look_at_list(self, view):
        """Look for a first picture in the list of frames."""

        def found(model, _place, row):
            if model[row][PICTURE] is None:
                return False
            self.pictures[view] = True
            self.shown = time.time()
            tell("picture")
            return True

        view.get_model().foreach(found)

    def is_done(self):
        """Whether the last action has had its effect."""
        if self.done is None or self.done():
            return True
        if time.time() - self.acted > PATIENCE:
            tell("timeout")
            self.done = None
        return False

    def act(self, window):
        if not self.actions:
            tell("act", name="cancel")
            window.response(self.gtk.ResponseType.CANCEL)
            self.acted, self.done = time.time(), lambda: False
            return
        name = self.actions.pop(0)
        tell("act", name=name)
        self.acted = time.time()
        self.done = lambda: self.shown > self.acted
        getattr(self, name)(list(all_widgets(window)))

    # ACTIONS

    def threshold(self, widgets):
        """Move the threshold."""
        next(w for w in widgets if isinstance(w, self.gtk.Scale)).set_value(0.4)

    def frame(self, widgets):
        """Show the next frame."""
        number = next(w for w in widgets if isinstance(w, self.gtk.SpinButton) and w.get_mapped())
        number.spin(self.gtk.SpinType.STEP_FORWARD, 1)

    def change(self, widgets):
        """Put the changes into the mask image."""
        button = self.button(widgets, "Chan_ge the mask image")
        button.clicked()

        def done():
            if button.get_sensitive():
                return False
            tell("done")
            self.shown = time.time()
            self.done = None
            return True

        self.done = done

    def spot(self, widgets):
        """Show the next spot."""
        self.button(widgets, "_Next spot").clicked()

    def full(self, widgets):
        """Show the picture as large as it is."""
        self.button(widgets, "_1:1").clicked()

    def button(self, widgets, label):
        return next(w for w in widgets if isinstance(w, self.gtk.Button) and w.get_label() == label)


class AtImport:
    """Begins to watch when the plug-in makes its window."""

    def find_spec(self, name, path=None, target=None):
        if name == "dustbust_gimp.dialogs.window":
            sys.meta_path.remove(self)
            Watch()


if "DUSTBUST_WATCH" in os.environ and "-run" in sys.argv:
    sys.meta_path.insert(0, AtImport())
