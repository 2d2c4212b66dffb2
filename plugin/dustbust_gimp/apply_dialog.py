"""The window of Apply Dust Mask."""
import functools
from pathlib import Path

from gi.repository import Gimp, Gtk

from . import apply, arguments, core, layers, mask_image, pixels
from .core import dustbust
from .dialogs import MARGIN, Window
from .preview import BeforeAndAfter, spots_of_mask
from .texts import Refused, _, count_text, share_text, translated


def ask(procedure, config, image, drawables):
    """Let the user choose; gives the mask image if one that is open was chosen, else None. Raises Cancelled."""
    if mask_image.is_mask_image(image):
        return ask_for_files(procedure, config, image)
    return ask_for_layers(procedure, config, image, drawables)


def ask_for_files(procedure, config, image):
    dust = mask_image.read(image)
    window = Window(procedure, config, _("Apply Dust Mask to a Run"), _("_Write"))
    window.settings("method", "folder", "exists")
    window.folded("first-frame", "last-frame")
    window.add_answer()

    preview = BeforeAndAfter(window.worker())
    window.add(preview)
    looks = {}      # by the first frame

    def describe():
        # The files of the run are asked for here, since GIMP keeps them.
        of_image = mask_image.files_of(image)
        window.answer(lambda: files_sentence(apply.files_to_clean(of_image, config), config), lambda text: text + "\n" + marked(dust))

    def show():
        of_image, first = mask_image.files_of(image), arguments.path(config, "first-frame")
        look = looks.setdefault(first, spots_of_mask(lambda: dustbust.frames.read_frame(apply.files_to_clean(of_image, config)[0]), dust))
        preview.show_spots(functools.partial(look, **apply.options(config)), _("Cleaning a part of a frame ..."))

    window.on_change(describe, "folder", "exists", "first-frame", "last-frame")
    window.on_change(show, "method", "first-frame")
    window.run()


def files_sentence(files, config):
    folder = apply.folder_for(files, config)
    there = sum((folder / Path(file).name).exists() for file in files)
    text = count_text("{number} file will be written to {folder}.", "{number} files will be written to {folder}.",
                      len(files) - (there if config.get_property("exists") == "skip" else 0), folder=folder)
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
    masks = MaskChooser(config, image)
    window.align(masks.label)
    window.add(masks)
    window.settings("method", "new-layer")
    window.add_answer()
    preview = BeforeAndAfter(window.worker())
    window.add(preview)

    look = None

    def found(dust):
        nonlocal look
        apply.check_size(dust, image, chosen)
        if dust.grey.shape == before.shape[:2]:
            look = spots_of_mask(lambda: before, dust)
            show()
        return marked(dust)

    def find():
        nonlocal look
        look = None
        preview.show_spots(None)
        try:
            read = apply.mask_reader(image, config, masks.image)
        except (Refused, core.DustbustError) as refusal:
            window.say(translated(refusal), possible=False)
        else:
            window.answer(read, found)

    def show():
        if look:
            preview.show_spots(functools.partial(look, **apply.options(config)), _("Cleaning a part of the layer ..."))

    masks.on_change = find
    find()
    window.on_change(show, "method")
    window.run()
    return masks.image


class MaskChooser(Gtk.Box):
    """A row with the open images that may be masks, and a file.

    GIMP 3.0 has no widget for an image argument, and keeps no image among the settings to repeat; so the image stays here.
    """

    def __init__(self, config, image):
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
