"""The window of Apply Dust Mask."""
import functools
from pathlib import Path

from gi.repository import Gimp, Gtk, Pango

from . import arguments, clean_files, clean_layers, layers, mask_image, pixels
from .core import dustbust
from .dialogs import MARGIN, Window
from .preview import BeforeAndAfter
from .spots import SpotsOfMask
from .texts import _, count_text, path_text, share_text
from .thumbnail import Thumbnail


def ask(procedure, config, image, drawables):
    """Let the user choose; gives the mask image if one that is open was chosen, else None. Raises Cancelled."""
    if mask_image.is_mask_image(image):
        return ask_for_files(procedure, config, image)
    return ask_for_layers(procedure, config, image, drawables)


def ask_for_files(procedure, config, image):
    window = Window(procedure, config, _("Apply Dust Mask to a Run"), _("_Write"))
    window.settings("method", "folder", "exists")
    window.folded("first-frame", "last-frame")
    window.add_answer()
    frames, preview = FrameChooser(), BeforeAndAfter(window.worker())
    window.add(frames)
    window.add(preview)

    of_image, shown = mask_image.files_of(image), mask_image.shown_of(image)
    read_frame = functools.lru_cache(maxsize=1)(dustbust.files.read.read_frame)
    dust = spots = None

    def found(mask):
        nonlocal dust, spots
        dust, spots = mask, SpotsOfMask(mask)
        window.on_change(describe, "folder", "exists", "first-frame", "last-frame")
        window.on_change(show, "method")
        return marked(dust)

    def describe():
        window.answer(lambda: clean_files.files_to_clean(of_image, config), described)

    def described(files):
        frames.offer(files, shown)
        window.begin_in(Path(files[0]).parent, "first-frame", "last-frame")
        return files_sentence(files, config) + "\n" + marked(dust)

    def show():
        if spots and frames.chosen:
            look = functools.partial(spots.look, read=functools.partial(read_frame, frames.chosen), **arguments.cleaning(config))
            preview.show_spots(look, _("Cleaning a part of a frame ..."))

    frames.on_change = show
    window.say(_("Reading the mask ..."))
    window.answer_after(mask_image.reading(image), found)
    window.run()


class FrameChooser(Gtk.Box):
    """A row that says which frame of a run is looked at, and goes to others."""

    def __init__(self):
        super().__init__(spacing=MARGIN // 2, margin_bottom=MARGIN // 2)
        self.chosen, self.on_change, self._files = None, None, []
        self._number = Gtk.SpinButton.new_with_range(1, 1, 1)
        self._number.set_tooltip_text(_("Which frame of the run is shown before and after"))
        self._number.connect("value-changed", self._choose)
        self._name = Gtk.Label(xalign=0, ellipsize=Pango.EllipsizeMode.MIDDLE)
        for widget, wide in ((Gtk.Label(label=_("_Preview of frame"), use_underline=True, mnemonic_widget=self._number), False),
                             (self._number, False), (self._name, True)):
            self.pack_start(widget, wide, wide, 0)

    def offer(self, files, first):
        """Let the user choose one of these files. The choice stays if it can; else it is the file `first` if that is one of them."""
        if files == self._files:
            return
        names = list(map(str, files))
        wanted = next((name for name in (str(self.chosen), str(first)) if name in names), names[0])
        self._files = files
        self._number.set_range(1, len(files))
        self._number.set_value(names.index(wanted) + 1)
        self._choose()

    def _choose(self, *_ignored):
        self.chosen = self._files[self._number.get_value_as_int() - 1]
        self._name.set_text(_("of {number}: {name}").format(number=len(self._files), name=Path(self.chosen).name))
        self.on_change()


def files_sentence(files, config):
    folder = clean_files.folder_for(files, config)
    there = sum((folder / Path(file).name).exists() for file in files)
    text = count_text("{number} file will be written to {folder}.", "{number} files will be written to {folder}.",
                      len(files) - (there if config.get_property("exists") == "skip" else 0), folder=path_text(folder))
    if there:
        text += " " + about_existing(config.get_property("exists"), there)
    return text


def about_existing(exists, there):
    if exists == "skip":
        return count_text("{number} is there already and is kept if it is complete.",
                          "{number} are there already and are kept if they are complete.", there)
    if exists == "overwrite":
        return count_text("{number} that is there already will be overwritten.",
                          "{number} that are there already will be overwritten.", there)
    return count_text("{number} is there already; the new one gets another name.",
                      "{number} are there already; the new ones get other names.", there)


def marked(dust):
    number = int(dust.binary().sum())
    if not number:
        return _("The mask marks nothing.")
    return count_text("The mask marks {number} pixel, {share} of the picture.", "The mask marks {number} pixels, {share} of the picture.",
                      number, share=share_text(number / dust.grey.size))


def ask_for_layers(procedure, config, image, drawables):
    chosen = layers.editable(image, drawables)
    before = pixels.read_drawable(chosen[0])
    window = Window(procedure, config, _("Apply Dust Mask to a Layer"), _("_Apply"))
    masks = MaskChooser(config, image, window.worker())
    window.align(masks.label)
    window.add(masks)
    window.settings("method", "new-layer")
    window.add_answer()
    preview = BeforeAndAfter(window.worker())
    window.add(preview)

    spots = None

    def found(dust):
        nonlocal spots
        clean_layers.check_size(dust, image, chosen)
        if dust.grey.shape == before.shape[:2]:
            spots = SpotsOfMask(dust)
            show()
        return marked(dust)

    def find():
        nonlocal spots
        spots = None
        preview.show_spots(None)
        window.say(_("Reading the mask ..."))
        window.answer_after(clean_layers.reading_mask(image, config, masks.image), found)

    def show():
        if spots:
            look = functools.partial(spots.look, read=lambda: before, **arguments.cleaning(config))
            preview.show_spots(look, _("Cleaning a part of the layer ..."))

    masks.on_change = find
    find()
    window.on_change(show, "method")
    window.run()
    return masks.image


class MaskChooser(Gtk.Box):
    """A row with the open images that may be masks, and a file.

    GIMP 3.0 has no widget for an image argument, and keeps no image among the settings to repeat; so the image stays here.
    """

    def __init__(self, config, image, worker):
        super().__init__(spacing=MARGIN // 2)
        self.image, self.on_change, self._config = None, None, config
        others = [other for other in Gimp.get_images() if other != image]
        others.sort(key=lambda other: (not mask_image.is_mask_image(other), -other.get_id()))
        self._combo = Gtk.ComboBoxText(tooltip_text=_(
            "The open image with the mask, or a file, also a black and white picture from anywhere: white is dust"))
        for other in others:
            self._combo.append(str(other.get_id()), other.get_name())
        self._combo.append("file", _("From a file"))
        self._file = Gtk.FileChooserButton(title=_("Mask file"), action=Gtk.FileChooserAction.OPEN, no_show_all=True)
        Thumbnail(self._file, worker)
        if config.get_property("mask-file"):
            self._file.set_file(config.get_property("mask-file"))
        self._combo.set_active_id(str(others[0].get_id()) if others and mask_image.is_mask_image(others[0]) else "file")
        self._combo.connect("changed", self._choose)
        self._file.connect("file-set", self._choose)
        self.label = Gtk.Label(label=_("Mas_k"), use_underline=True, mnemonic_widget=self._combo)
        for widget, wide in ((self.label, False), (self._combo, True), (self._file, True)):
            self.pack_start(widget, wide, wide, 0)
        self._choose()

    def _choose(self, *_ignored):
        selected = self._combo.get_active_id()
        self._file.set_visible(selected == "file")
        self.image = None if selected == "file" else Gimp.Image.get_by_id(int(selected))
        self._config.set_property("mask-file", self._file.get_file() if selected == "file" else None)
        if self.on_change:
            self.on_change()
