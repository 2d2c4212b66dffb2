"""Choosers in the windows: the frame to preview, the mask to use, and the scans to stack."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from gi.repository import GdkPixbuf, Gimp, GLib, Gtk, Pango

from ..gimp import mask_image, pixels
from ..steps import Steps
from ..texts import _
from .background import Background, when_idle
from .thumbnail import Thumbnail, pixbuf
from .window import MARGIN

FILE = "file"  # the entry of the combo box that stands for a mask file
THUMBNAIL = 48  # px, side of a picture in a list
LIST_HEIGHT = 170  # px, at most; longer lists are scrolled


def show_thumbnail(layer: Gimp.Layer, show: Callable[[GdkPixbuf.Pixbuf], None]) -> None:
    """Call `show` with a small picture of a layer, which is read when the window is idle."""

    def read() -> Steps[None]:
        if layer.is_valid():
            show(pixbuf(*(yield from pixels.thumbnail(layer, THUMBNAIL))))

    when_idle(read(), lambda _end: None, GLib.PRIORITY_LOW)


class FrameChooser(Gtk.Box):
    """A row with the frame of a run that the preview shows."""

    def __init__(self) -> None:
        super().__init__(spacing=MARGIN // 2, margin_bottom=MARGIN // 2)
        self.chosen: str | Path | None = None
        self.on_change: Callable[[], None] | None = None
        self._files: Sequence[str | Path] = []
        self._number = Gtk.SpinButton.new_with_range(1, 1, 1)
        self._number.set_tooltip_text(_("The frame of the run that the preview shows"))
        self._number.connect("value-changed", self._choose)
        self._name = Gtk.Label(xalign=0, ellipsize=Pango.EllipsizeMode.MIDDLE, width_chars=20)
        label = Gtk.Label(
            label=_("_Preview of frame"), use_underline=True, mnemonic_widget=self._number
        )
        self.pack_start(label, False, False, 0)
        self.pack_start(self._number, False, False, 0)
        self.pack_start(self._name, True, True, 0)

    def offer(self, files: Sequence[str | Path], first: str | None) -> None:
        """Offer these files.

        The chosen file remains if it is one of them; otherwise it is `first`, or the first one.
        """
        if files == self._files:
            return
        names = list(map(str, files))
        preferred = str(self.chosen), str(first)
        wanted = next((name for name in preferred if name in names), names[0])
        self._files = files
        self._number.set_range(1, len(files))
        self._number.set_value(names.index(wanted) + 1)
        self._choose()

    def _choose(self, *_ignored: object) -> None:
        self.chosen = self._files[self._number.get_value_as_int() - 1]
        name = Path(self.chosen).name
        self._name.set_text(_("of {number}: {name}").format(number=len(self._files), name=name))
        self.on_change()


def possible_masks(
    image: Gimp.Image, sizes: Collection[tuple[int, int]]
) -> list[tuple[Gimp.Image, str, bool]]:
    """Return the other open images, with their size in words, and whether they fit as a mask.

    Masks come first, and before others the mask of the run that the image is from. A mask from
    Estimate always fits, as it finds its place in a layer that was turned or cropped.
    """
    others = [other for other in Gimp.get_images() if other != image]
    file = image.get_file() and image.get_file().get_path()

    def order(other: Gimp.Image) -> tuple[bool, bool, int]:
        of_run = file in mask_image.files_of(other).files
        return not mask_image.is_mask_image(other), not of_run, -other.get_id()

    found = []
    for other in sorted(others, key=order):
        width, height = mask_image.size_of(other)
        fits = (width, height) in sizes or mask_image.is_mask_image(other)
        text = _("{image}, {width} x {height}").format(
            image=other.get_name(), width=width, height=height
        )
        found.append((other, text if fits else text + " - " + _("another size"), fits))
    return found


class MaskChooser(Gtk.Box):
    """A row with the open images that may be masks, and a file.

    GIMP 3.0 has no widget for an image argument, and GIMP does not store images among the
    settings to repeat; so the chosen image is kept here. Images that do not fit are greyed, with
    the reason.

    Parameters
    ----------
    config : Gimp.ProcedureConfig
    image : Gimp.Image
        The image to be cleaned.
    sizes : collection of (int, int)
        Width and height that a mask may have.
    worker : Background
        Reads thumbnails of files.
    """

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        image: Gimp.Image,
        sizes: Collection[tuple[int, int]],
        worker: Background,
    ) -> None:
        super().__init__(spacing=MARGIN // 2)
        self.image: Gimp.Image | None = None
        self.on_change: Callable[[], None] | None = None
        self._config, self._worker = config, worker
        rows = Gtk.ListStore(str, GdkPixbuf.Pixbuf, str, bool)  # id, picture, text, can be chosen
        fitting = []
        for other, text, fits in possible_masks(image, sizes):
            row = rows.append([str(other.get_id()), None, text, fits])
            layer = mask_image.typical_layer(other)
            if layer:
                show_thumbnail(layer, functools.partial(rows.set_value, row, 1))
            if fits and mask_image.is_mask_image(other):
                fitting.append(str(other.get_id()))
        rows.append([FILE, None, _("From a file"), True])
        self._combo = Gtk.ComboBox(
            model=rows,
            id_column=0,
            tooltip_text=_(
                "The open image with the mask, or a file. Any black and white picture will do: "
                "white is dust"
            ),
        )
        text = Gtk.CellRendererText(ellipsize=Pango.EllipsizeMode.MIDDLE, width_chars=36)
        for cell, expand, attribute, column in (
            (Gtk.CellRendererPixbuf(), False, "pixbuf", 1),
            (text, True, "text", 2),
        ):
            self._combo.pack_start(cell, expand)
            self._combo.add_attribute(cell, attribute, column)
            self._combo.add_attribute(cell, "sensitive", 3)
        self._file: Gtk.FileChooserButton | None = None
        self._last_file = config.get_property("mask-file")
        self._combo.set_active_id(fitting[0] if fitting else FILE)
        self._combo.connect("changed", self._choose)
        self.label = Gtk.Label(label=_("Mas_k"), use_underline=True, mnemonic_widget=self._combo)
        self.pack_start(self.label, False, False, 0)
        self.pack_start(self._combo, True, True, 0)
        self._choose()

    def _make_file_button(self) -> None:
        """Make the button for a file when it is needed, as this takes a fifth of a second."""
        self._file = Gtk.FileChooserButton(
            title=_("Mask file"), action=Gtk.FileChooserAction.OPEN, no_show_all=True
        )
        Thumbnail(self._file, self._worker)
        if self._last_file:
            self._file.set_file(self._last_file)
        self._file.connect("file-set", self._choose)
        self.pack_start(self._file, True, True, 0)

    def _choose(self, *_ignored: object) -> None:
        selected = self._combo.get_active_id()
        from_file = selected == FILE
        if from_file and self._file is None:
            self._make_file_button()
        if self._file:
            self._file.set_visible(from_file)
        self.image = None if from_file else Gimp.Image.get_by_id(int(selected))
        self._config.set_property("mask-file", self._file.get_file() if from_file else None)
        if self.on_change:
            self.on_change()


class ScanChooser(Gtk.ScrolledWindow):
    """The layers of an image, with a tick for each scan, and a mark at the reference.

    Parameters
    ----------
    offered : sequence of Gimp.Layer
        The lowest first; the list shows the highest first, as GIMP's own does.
    ticked : sequence of Gimp.Layer
        Ticked at first; the first one is the reference.
    """

    def __init__(self, offered: Sequence[Gimp.Layer], ticked: Sequence[Gimp.Layer]) -> None:
        super().__init__(hscrollbar_policy=Gtk.PolicyType.NEVER)
        self.set_propagate_natural_height(True)
        self.set_max_content_height(LIST_HEIGHT)
        self.on_change: Callable[[], None] | None = None
        self._rows: list[tuple[Gimp.Layer, Gtk.CheckButton, Gtk.RadioButton]] = []
        self._quiet = False
        grid = Gtk.Grid(column_spacing=MARGIN, row_spacing=MARGIN // 2)
        group = None
        for row, layer in enumerate(reversed(offered)):
            tick = Gtk.CheckButton(
                active=layer in ticked, tooltip_text=_("Whether this layer is one of the scans")
            )
            picture = Gtk.Image()
            picture.set_size_request(THUMBNAIL, THUMBNAIL)
            show_thumbnail(layer, picture.set_from_pixbuf)
            name = Gtk.Label(
                label=layer.get_name(), xalign=0, hexpand=True, ellipsize=Pango.EllipsizeMode.MIDDLE
            )
            reference = Gtk.RadioButton.new_with_label_from_widget(group, _("Reference"))
            reference.set_tooltip_text(
                _("The page gets the place and the brightness that it has in this scan")
            )
            group = group or reference
            for column, widget in enumerate((tick, picture, name, reference)):
                grid.attach(widget, column, row, 1, 1)
            self._rows.append((layer, tick, reference))
        for layer, tick, reference in self._rows:
            if ticked and layer == ticked[0]:
                reference.set_active(True)
            reference.set_sensitive(tick.get_active())
            tick.connect("toggled", self._change)
            reference.connect("toggled", self._change)
        self.add(grid)

    def chosen(self) -> list[Gimp.Layer]:
        """Return the ticked layers, the reference first and then the lowest first."""
        ticked = [(layer, mark) for layer, tick, mark in reversed(self._rows) if tick.get_active()]
        return [layer for layer, __ in sorted(ticked, key=lambda row: not row[1].get_active())]

    def _change(self, button: Gtk.ToggleButton) -> None:
        is_reference = isinstance(button, Gtk.RadioButton)
        if self._quiet or (is_reference and not button.get_active()):
            return
        self._quiet = True
        usable = [mark for __, tick, mark in reversed(self._rows) if tick.get_active()]
        for __, tick, mark in self._rows:
            mark.set_sensitive(tick.get_active())
        if usable and not any(mark.get_active() for mark in usable):
            usable[0].set_active(True)
        self._quiet = False
        if self.on_change:
            self.on_change()
