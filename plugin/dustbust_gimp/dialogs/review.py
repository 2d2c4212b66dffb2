"""Review of a mask: any frame of the run, large, with and without its dust."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gi.repository import Gdk, GdkPixbuf, GLib, Gtk

from .. import core
from ..gimp import progress
from ..steps import Steps, finish
from ..texts import _, count_text, share_text, translated
from .background import Background, when_idle
from .choosers import FrameChooser
from .thumbnail import pixbuf_of
from .window import MARGIN

# Sizes of a pixel on the screen; the smallest is 1/64 of a screen pixel.
ZOOMS = (*(1 / n for n in (64, 48, 32, 24, 16, 12, 8, 6, 5, 4, 3, 2)), 1, 2, 3, 4, 6, 8)
SMALLEST_VIEW = 640, 220  # px: the window fits a screen that is 768 px high
BACKGROUND, LINE = 0x333333FF, 0xFFFFFFFF  # red, green, blue, alpha
DUST, NO_DUST = 0xFFD800FF, 0xA0A0A0FF  # the frame around a particle: marked, or left alone
AROUND = 8  # px between a particle and the frame around it
CLEAR = 16  # px on the screen: a particle of this size can be judged
NEAR_LINE = 8  # px: a press this near to the line moves it
CLICK = 4  # px: a press that moves less is a click
SUGGESTION = 0.5  # threshold, see the core's `dust.mask`
LEVELS = 255  # of 8 bits


class View(Gtk.Layout):
    """A part of a picture, on the left of a line before and on the right of it after cleaning.

    The wheel zooms, a drag moves the picture or the line. It draws with GdkPixbuf alone, as GIMP's
    Python may have no cairo.

    Parameters
    ----------
    size : tuple of int
        Width and height of the picture, px.
    ask : callable
        Called as ask(box, reduce) when another part is to be shown: `box` is top, left, bottom,
        right, and `reduce` the factor by which the part is made smaller.
    click : callable
        Called as click(x, y) with the pixel of a click.
    """

    def __init__(
        self,
        size: tuple[int, int],
        ask: Callable[[list[int], int], None],
        click: Callable[[int, int], None],
    ) -> None:
        super().__init__(can_focus=True)
        self.set_size_request(*SMALLEST_VIEW)
        self._size, self._ask, self._click = size, ask, click
        self._screen = Gtk.Image()
        self.put(self._screen, 0, 0)
        self._wide, self._high = SMALLEST_VIEW
        self._zoom: float | None = None  # None: all of the picture
        self._middle = size[0] / 2, size[1] / 2
        self._line, self._pressed, self._moves_line = 0.5, None, False
        self._shown: tuple[list[int], int, list[GdkPixbuf.Pixbuf]] | None = None
        self._ring: Sequence[int] = ()
        self._is_dust = True
        self.add_events(
            Gdk.EventMask.BUTTON_PRESS_MASK
            | Gdk.EventMask.BUTTON_RELEASE_MASK
            | Gdk.EventMask.POINTER_MOTION_MASK
            | Gdk.EventMask.SCROLL_MASK
        )
        self.connect("size-allocate", self._fit)
        self.connect("button-press-event", self._press)
        self.connect("motion-notify-event", self._move)
        self.connect("button-release-event", self._release)
        self.connect("scroll-event", self._scroll)

    @property
    def zoom(self) -> float:
        """Size of a pixel on the screen."""
        if self._zoom is not None:
            return self._zoom
        return min(self._wide / self._size[0], self._high / self._size[1], 1)

    def _fit(self, _layout: Gtk.Widget, place: Gdk.Rectangle) -> None:
        if (place.width, place.height) != (self._wide, self._high):
            self._wide, self._high = place.width, place.height
            GLib.idle_add(self.refresh)

    def refresh(self) -> None:
        """Ask for the visible part, and show it when it comes."""
        half = self._wide / 2 / self.zoom, self._high / 2 / self.zoom
        reduce = max(round(1 / self.zoom), 1)
        left, top, right, bottom = (
            int(min(max(edge, 0), size))
            for edge, size in (
                (self._middle[0] - half[0], self._size[0]),
                (self._middle[1] - half[1], self._size[1]),
                (self._middle[0] + half[0] + reduce, self._size[0]),
                (self._middle[1] + half[1] + reduce, self._size[1]),
            )
        )
        if right > left and bottom > top:
            self._ask([top, left, bottom, right], reduce)
        self._draw()

    def show_part(self, box: list[int], reduce: int, pictures: Sequence[core.Handle]) -> None:
        """Show a part that was asked for, before and after."""
        self._shown = box, reduce, [pixbuf_of(picture) for picture in pictures]
        self._draw()

    def step_zoom(self, steps: int, at: tuple[float, float] | None = None) -> None:
        """Zoom in or out, so that the place `at` on the screen stays where it is."""
        before = self.zoom
        beyond = [zoom for zoom in ZOOMS if (zoom > before if steps > 0 else zoom < before)]
        zoom = (beyond or [before])[0 if steps > 0 else -1]
        at = at or (self._wide / 2, self._high / 2)
        self._centre(
            self._middle[0] + (at[0] - self._wide / 2) * (1 / before - 1 / zoom),
            self._middle[1] + (at[1] - self._high / 2) * (1 / before - 1 / zoom),
        )
        self._zoom = zoom
        self.refresh()

    def show_all_of_it(self) -> None:
        """Show all of the picture."""
        self._zoom, self._middle = None, (self._size[0] / 2, self._size[1] / 2)
        self.refresh()

    def switch(self) -> None:
        """Switch between before and after, each over the whole picture."""
        self._line = 0.0 if self._line > 0.5 else 1.0
        self._draw()

    def show_full_size(self) -> None:
        """Show the pixels as they are."""
        self._zoom = 1
        self.refresh()

    def go_to(self, box: Sequence[int]) -> None:
        """Show a particle in the middle, with a frame around it: top, left, bottom, right."""
        self.ring(box)
        side = max(box[2] - box[0], box[3] - box[1], 1)
        clear = next((zoom for zoom in ZOOMS if zoom >= 1 and zoom * side >= CLEAR), 4)
        self._zoom = max(self.zoom, min(clear, 4))
        self._centre((box[1] + box[3]) / 2, (box[0] + box[2]) / 2)
        self.refresh()

    def ring(self, box: Sequence[int], is_dust: bool = True) -> None:
        """Draw a frame around a particle, whose colour says whether it will be cleaned."""
        self._ring, self._is_dust = box, is_dust
        self._draw()

    def set_is_dust(self, is_dust: bool) -> None:
        """Show whether what is in the frame will be cleaned."""
        if is_dust != self._is_dust:
            self.ring(self._ring, is_dust)

    def _centre(self, x: float, y: float) -> None:
        self._middle = min(max(x, 0), self._size[0]), min(max(y, 0), self._size[1])

    def _place(self, x: float, y: float) -> tuple[int, int]:
        """Return where a pixel is on the screen."""
        return (
            round((x - self._middle[0]) * self.zoom + self._wide / 2),
            round((y - self._middle[1]) * self.zoom + self._high / 2),
        )

    def _draw(self) -> None:
        wide, high = self._wide, self._high
        space = GdkPixbuf.Colorspace.RGB
        screen = GdkPixbuf.Pixbuf.new(space, False, 8, wide, high)
        screen.fill(BACKGROUND)
        line = round(self._line * wide)
        if self._shown:
            (top, left, _bottom, _right), reduce, pictures = self._shown
            scale, (x, y) = self.zoom * reduce, self._place(left, top)
            way = GdkPixbuf.InterpType.NEAREST if scale >= 1 else GdkPixbuf.InterpType.BILINEAR
            for picture, (start, end) in zip(pictures, ((0, line), (line, wide)), strict=True):
                first, last = max(start, x), min(end, x + int(picture.get_width() * scale))
                highest, lowest = max(0, y), min(high, y + int(picture.get_height() * scale))
                if last > first and lowest > highest:
                    size = last - first, lowest - highest
                    picture.scale(screen, first, highest, *size, x, y, scale, scale, way)
        _fill(screen, line - 1, 0, 2, high, LINE)
        if self._ring:
            x, y = self._place(self._ring[1], self._ring[0])
            right, bottom = self._place(self._ring[3], self._ring[2])
            x, y, right, bottom = x - AROUND, y - AROUND, right + AROUND, bottom + AROUND
            for edge in (
                (x, y, right - x, 2),
                (x, bottom, right - x + 2, 2),
                (x, y, 2, bottom - y),
                (right, y, 2, bottom - y),
            ):
                _fill(screen, *edge, DUST if self._is_dust else NO_DUST)
        self._screen.set_from_pixbuf(screen)

    def _press(self, _layout: Gtk.Widget, event: Gdk.EventButton) -> bool:
        self.grab_focus()
        if event.button == 1:
            self._moves_line = abs(event.x - self._line * self._wide) <= NEAR_LINE
            self._pressed = event.x, event.y, self._middle
        return True

    def _move(self, _layout: Gtk.Widget, event: Gdk.EventMotion) -> bool:
        if self._pressed:
            x, y, middle = self._pressed
            if self._moves_line:
                self._line = min(max(event.x / self._wide, 0), 1)
            elif max(abs(event.x - x), abs(event.y - y)) >= CLICK:
                self._zoom = self.zoom
                self._centre(
                    middle[0] - (event.x - x) / self.zoom, middle[1] - (event.y - y) / self.zoom
                )
            self._draw()
        return True

    def _release(self, _layout: Gtk.Widget, event: Gdk.EventButton) -> bool:
        if event.button == 1 and self._pressed:
            x, y, _middle = self._pressed
            self._pressed = None
            if max(abs(event.x - x), abs(event.y - y)) >= CLICK:
                self.refresh()
            else:
                across = int(self._middle[0] + (event.x - self._wide / 2) / self.zoom)
                down = int(self._middle[1] + (event.y - self._high / 2) / self.zoom)
                if 0 <= across < self._size[0] and 0 <= down < self._size[1]:
                    self._click(across, down)
        return True

    def _scroll(self, _layout: Gtk.Widget, event: Gdk.EventScroll) -> bool:
        steps = {Gdk.ScrollDirection.UP: 1, Gdk.ScrollDirection.DOWN: -1}
        if event.direction in steps:
            self.step_zoom(steps[event.direction], (event.x, event.y))
        return True


def _fill(screen: GdkPixbuf.Pixbuf, x: int, y: int, width: int, height: int, colour: int) -> None:
    """Fill a rectangle as far as it is on the screen."""
    right, bottom = min(x + width, screen.get_width()), min(y + height, screen.get_height())
    x, y = max(x, 0), max(y, 0)
    if right > x and bottom > y:
        screen.new_subpixbuf(x, y, right - x, bottom - y).fill(colour)


class ReviewPane(Gtk.Box):
    """The threshold, the particles one by one, and what cleaning does to any frame.

    Parameters
    ----------
    worker, looks : Background
        Ask the core for particles, and for pictures.
    keep : callable
        Called with the mask when the user wants the changes in the mask image; returns the steps
        that put them there.

    Attributes
    ----------
    handle : core.Handle or None
        The core's review, once there is one.
    on_change : callable or None
        Called when the mask begins to differ from the mask image, and when it no longer does.
    """

    def __init__(
        self, worker: Background, looks: Background, keep: Callable[[core.Handle], Steps[None]]
    ) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=MARGIN // 2)
        self._worker, self._looks, self._keep = worker, looks, keep
        self._edits = 0  # how many decisions were made or undone
        self._asked: tuple[int, dict[str, Any]] | None = None  # what the view shows, or waits for
        self._change: Steps[None] | None = None  # of the mask image, that is not yet complete
        self.handle: core.Handle | None = None
        self.on_change: Callable[[], None] | None = None
        self._found: dict[str, Any] = {"particles": [], "changed": False}
        self._level = SUGGESTION
        # The particle that is shown: a pixel of it, its number, and whether it is marked. After a
        # rejection, `_goes_on` until the next one is shown.
        self._at: list[int] = []
        self._number, self._is_marked, self._goes_on = -1, False, False
        self._method = ""
        self._view: View | None = None
        self.frames = FrameChooser()
        self.frames.on_change = self._look_again
        self._place = Gtk.Box()
        self._said = Gtk.Label(xalign=0, wrap=True, hexpand=True)
        self._status = Gtk.Label(xalign=1)

        top = Gtk.Box(spacing=MARGIN // 2)
        top.pack_start(self.frames, True, True, 0)
        self._shows = self._combo(
            (
                ("clean", _("Before | after")),
                ("changes", _("Before | changes in red")),
                ("dust", _("Before | dust alone")),
            ),
            self._look_again,
            _(
                "What is shown on the right of the line. Drag the line, or switch between before "
                "and after with the key B. The wheel zooms"
            ),
        )
        top.pack_end(self._shows, False, False, 0)
        for label, tip, act in (
            (_("F_it"), _("Show all of the frame"), lambda: self._view.show_all_of_it()),
            (
                _("_1:1"),
                _("Show the pixels of the frame as they are"),
                lambda: self._view.show_full_size(),
            ),
        ):
            top.pack_end(self._button(label, tip, act), False, False, 0)

        middle = Gtk.Box(spacing=MARGIN // 2)
        self._threshold = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0, 1, 0.005)
        self._threshold.set_hexpand(True)
        self._threshold.set_value_pos(Gtk.PositionType.RIGHT)
        self._threshold.add_mark(SUGGESTION, Gtk.PositionType.BOTTOM, _("suggestion"))
        self._threshold.set_tooltip_text(_("Lower: more is dust. Higher: less is dust"))
        label = Gtk.Label(
            label=_("Thresh_old"), use_underline=True, mnemonic_widget=self._threshold
        )
        middle.pack_start(label, False, False, 0)
        middle.pack_start(self._threshold, True, True, 0)
        self._threshold.connect("value-changed", self._move)

        bottom = Gtk.Box(spacing=MARGIN // 2)
        self._orders = self._combo(
            (
                ("doubt", _("least certain first")),
                ("strength", _("strongest first")),
                ("size", _("largest first")),
            ),
            self._start_over,
            _("The order in which the particles are shown"),
        )
        self._buttons = [
            self._button(_("_Back"), _("The particle before (Page Up)"), lambda: self._step(-1)),
            self._button(_("_Next"), _("The next particle (Page Down)"), lambda: self._step(1)),
            self._button(
                _("Re_ject"),
                _(
                    "Not dust: leave it in the picture, and go to the next one (Delete). A click "
                    "into the picture rejects or keeps what is there"
                ),
                self._reject,
            ),
            self._button(
                _("_Undo"), _("Take the last decision back (Ctrl+Z)"), lambda: self._go("undo")
            ),
            self._button(_("Redo"), _("Make it again (Ctrl+Y)"), lambda: self._go("redo")),
        ]
        for button in self._buttons[:2]:
            bottom.pack_start(button, False, False, 0)
        bottom.pack_start(self._orders, False, False, 0)
        for button in self._buttons[2:]:
            bottom.pack_start(button, False, False, 0)
        bottom.pack_end(self._status, False, False, 0)

        last = Gtk.Box(spacing=MARGIN // 2)
        last.pack_start(self._said, True, True, 0)
        self._keeps = self._button(
            _("Chan_ge the mask image"),
            _("Put the threshold and the decisions into the mask image, as one step of undo"),
            lambda: self._worker.send(self._wanted_mask(), self._put_back),
        )
        last.pack_end(self._keeps, False, False, 0)

        self.pack_start(top, False, False, 0)
        self.pack_start(self._place, True, True, 0)
        for row in (middle, bottom, last):
            self.pack_start(row, False, False, 0)
        self.set_sensitive(False)

    def _button(self, label: str, tip: str, act: Callable[[], object]) -> Gtk.Button:
        button = Gtk.Button(label=label, use_underline=True, tooltip_text=tip)
        button.connect("clicked", lambda *_ignored: act())
        return button

    def _combo(
        self, rows: Sequence[tuple[str, str]], act: Callable[[], object], tip: str
    ) -> Gtk.ComboBoxText:
        combo = Gtk.ComboBoxText(tooltip_text=tip)
        for name, text in rows:
            combo.append(name, text)
        combo.set_active_id(rows[0][0])
        combo.connect("changed", lambda *_ignored: act())
        return combo

    @property
    def changed(self) -> bool:
        """Whether the mask differs from that in the mask image."""
        return bool(self._found["changed"])

    def begin(self, dust: core.Handle) -> None:
        """Show a mask."""
        if self._view is None:
            height, width = dust.shape[:2]
            self._view = View((width, height), self._ask, self._click)
            self._place.pack_start(self._view, True, True, 0)
            self._view.show_all()
            self.get_toplevel().connect("key-press-event", self._key)
        request = core.Request("begin_review", dust=dust, threads=progress.threads())
        self._worker.send(request, self._begun)

    def _begun(self, begun: dict[str, Any] | Exception) -> None:
        if isinstance(begun, Exception):
            self._said.set_text(translated(begun))
            return
        self.handle = begun["review"]
        self._threshold.set_value(begun["threshold"])
        self._level = begun["threshold"]  # exactly, until the user moves it
        self.set_sensitive(True)
        self._start_over()

    def offer(self, files: Sequence[str | Path], first: str | None, method: str) -> None:
        """Offer frames to show, and say how they are cleaned."""
        self._method = method
        self.frames.offer(files, first)
        self._look_again()

    def keep_changes(self) -> None:
        """Put all decisions into the mask image. The window may be gone."""
        if self.handle is not None:
            request = self._wanted_mask()
            dust = core.ask(request.operation, **request.arguments)
            if dust is not None:
                finish(self._keep(dust))

    def finish_change(self) -> None:
        """Complete a change of the mask image at once. The window may be gone."""
        if self._change is not None:
            change, self._change = self._change, None
            finish(change)

    def _wanted_mask(self) -> core.Request:
        return core.Request("keep_review", review=self.handle, threshold=self._level)

    def _put_back(self, dust: core.Handle | Exception | None) -> None:
        """Put a mask into the mask image, if it has changed."""
        if isinstance(dust, Exception):
            self._said.set_text(translated(dust))
        elif dust is not None:
            self.finish_change()
            self._change = self._keep(dust)
            when_idle(self._changing(), self._end_change)

    def _changing(self) -> Steps[None]:
        """Do the steps of the change, unless `finish_change` has done them."""
        while self._change is not None:
            try:
                next(self._change)
            except StopIteration:
                self._change = None
            yield

    def _end_change(self, end: Exception | None) -> None:
        if isinstance(end, Exception):
            self._change = None
            self._said.set_text(translated(end))
        else:
            self._update()

    def _update(self) -> None:
        """Find the particles at the threshold, and show them."""
        if self.handle is None:
            return
        request = core.Request(
            "review_particles",
            review=self.handle,
            threshold=self._level,
            order=self._orders.get_active_id(),
            at=self._at,
        )
        at = self._at
        self._worker.ask(request, lambda found: self._take(found, at))

    def _take(self, found: dict[str, Any] | Exception, at: list[int]) -> None:
        """Take the particles, which were asked for while that at `at` was shown."""
        if isinstance(found, Exception):
            self._said.set_text(translated(found))
            return
        flips = found["changed"] != self._found["changed"]
        self._found = found
        if at == self._at:
            self._is_marked = found["number"] >= 0
            self._number = found["number"] if self._is_marked else self._number
        self._said.set_text(
            count_text(
                "{number} particle, {pixels} pixels, {share} of the picture",
                "{number} particles, {pixels} pixels, {share} of the picture",
                len(found["particles"]),
                pixels=found["pixels"],
                share=share_text(found["share"]),
            )
        )
        self._keeps.set_sensitive(found["changed"])
        for button, possible in zip(self._buttons[3:], ("can_undo", "can_redo"), strict=True):
            button.set_sensitive(found[possible])
        if self._goes_on and found["particles"]:
            self._show(self._number)
        else:
            self._count()
            self._view.set_is_dust(self._is_marked)
        self._goes_on = False
        self._look_again()
        if flips and self.on_change:
            self.on_change()

    def _count(self) -> None:
        """Say which particle is shown."""
        text = _("{number} of {all}").format(
            number=self._number + 1, all=len(self._found["particles"])
        )
        if not self._is_marked:
            text = _("left in the picture") if self._at else ""
        self._status.set_text(text)
        self._buttons[2].set_sensitive(self._is_marked)

    def _step(self, by: int) -> None:
        """Go to the next particle, or to the one before."""
        if self._number < 0:
            self._show(0 if by > 0 else -1)
        elif self._at and not self._is_marked and by > 0:
            self._show(self._number)  # the next one has taken the number of one that is gone
        else:
            self._show(self._number + by)

    def _show(self, number: int) -> None:
        """Show a particle by its number; the list is a circle."""
        particles = self._found["particles"]
        if particles:
            self._number, self._is_marked = number % len(particles), True
            self._at = particles[self._number][:2]
            self._count()
            self._view.go_to(particles[self._number][2:])

    def _move(self, threshold: Gtk.Scale) -> None:
        """Take the threshold: a level of 8 bits, which the mask image keeps exactly."""
        value = threshold.get_value()
        near = abs(value - SUGGESTION) < 0.5 / LEVELS
        self._level = SUGGESTION if near else round(value * LEVELS) / LEVELS
        self._update()

    def _start_over(self) -> None:
        self._number, self._at = -1, []
        self._update()

    def _reject(self) -> None:
        """Reject the particle that is shown, and go on to the next one."""
        if self._is_marked:
            self._goes_on, self._is_marked = True, False
            self._toggle(*self._at)

    def _click(self, x: int, y: int) -> None:
        self._toggle(y, x)

    def _toggle(self, y: int, x: int) -> None:
        where = {"threshold": self._level, "y": y, "x": x}
        request = core.Request("toggle_particle", review=self.handle, **where)
        self._worker.send(request, lambda done: self._decided(done, self._view.ring))

    def _go(self, way: str) -> None:
        request = core.Request(f"{way}_review", review=self.handle)
        self._worker.send(request, lambda done: self._decided(done, self._view.go_to))

    def _decided(
        self, done: dict[str, Any] | Exception | None, show: Callable[[Sequence[int]], None]
    ) -> None:
        """Show a decision of the user, which the core has made or undone."""
        if isinstance(done, Exception):
            self._said.set_text(translated(done))
        elif done:
            self._edits += 1
            self._at = done["at"]
            show(done["box"])
            self._update()

    def _key(self, window: Gtk.Window, event: Gdk.EventKey) -> bool:
        acts = {
            Gdk.KEY_Page_Down: lambda: self._step(1),
            Gdk.KEY_Page_Up: lambda: self._step(-1),
            Gdk.KEY_Delete: self._reject,
            Gdk.KEY_b: lambda: self._view.switch(),
            Gdk.KEY_plus: lambda: self._view.step_zoom(1),
            Gdk.KEY_minus: lambda: self._view.step_zoom(-1),
        }
        if event.state & Gdk.ModifierType.CONTROL_MASK:
            acts = {Gdk.KEY_z: lambda: self._go("undo"), Gdk.KEY_y: lambda: self._go("redo")}
        act = acts.get(event.keyval)
        if act is None or isinstance(window.get_focus(), Gtk.Entry):
            return False
        act()
        return True

    def _look_again(self) -> None:
        if self._view and self.frames.chosen:
            self._view.refresh()

    def _ask(self, box: list[int], reduce: int) -> None:
        if not (self.frames.chosen and self._method):
            return
        wanted = {
            "frame": self.frames.chosen,
            "threshold": self._level,
            "box": box,
            "reduce": reduce,
            "view": self._shows.get_active_id(),
            "method": self._method,
        }
        if self._asked == (self._edits, wanted):  # it is shown, or will be
            return
        self._asked = self._edits, wanted
        request = core.Request("look_at_review", review=self.handle, **wanted)

        def show(pictures: list[core.Handle] | Exception) -> None:
            if isinstance(pictures, Exception):
                self._asked = None
                self._said.set_text(translated(pictures))
            else:
                self._view.show_part(box, reduce, pictures)

        self._looks.ask(request, show)
