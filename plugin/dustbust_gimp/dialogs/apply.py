"""The window of Apply Dust Mask."""
import functools
from pathlib import Path

from ..actions import clean_files, clean_layers
from ..gimp import layers, mask_image, pixels, arguments
from ..core import dustbust
from .window import Window
from .choosers import FrameChooser, MaskChooser
from .preview import BeforeAndAfter
from .spots import SpotsOfMask
from ..texts import _, count_text, path_text, share_text


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
    read_frame = functools.lru_cache(maxsize=1)(dustbust.frames.read_frame)
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
