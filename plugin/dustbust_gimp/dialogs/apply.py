"""The windows of Apply Dust Mask: one for the files of a run, one for layers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gi.repository import Gimp

from .. import core
from ..actions import clean_files, clean_layers
from ..gimp import arguments, layers, mask_image, pixels
from ..texts import _, count_text, path_text, share_text
from .choosers import FrameChooser, MaskChooser
from .preview import BeforeAndAfter
from .window import Window

if TYPE_CHECKING:
    from dustbust import DustMask


def ask(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
) -> Gimp.Image | None:
    """Let the user choose; returns the open mask image if one was chosen. Raises Cancelled."""
    if mask_image.is_mask_image(image):
        ask_for_files(procedure, config, image)
        return None
    return ask_for_layers(procedure, config, image, drawables)


def ask_for_files(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image
) -> None:
    """Ask how to clean the files of a run."""
    window = Window(procedure, config, _("Apply Dust Mask to a Run"), _("_Write"))
    window.settings("method", "folder", "exists")
    window.folded("first-frame", "last-frame")
    window.add_answer()
    frames, before_and_after = FrameChooser(), BeforeAndAfter(window.worker())
    window.add(frames)
    window.add(before_and_after)

    of_image, shown = mask_image.files_of(image), mask_image.shown_of(image)
    read_frame = functools.lru_cache(maxsize=1)(core.read_frame)
    dust = preview = None

    def found(mask: DustMask) -> str:
        nonlocal dust, preview
        dust, preview = mask, core.previews.MaskPreview(mask)
        window.on_change(describe, "folder", "exists", "first-frame", "last-frame")
        window.on_change(show, "method")
        return marked(dust)

    def describe() -> None:
        window.answer(lambda: clean_files.files_to_clean(of_image, config), described)

    def described(files: list[Path]) -> str:
        frames.offer(files, shown)
        window.begin_in(Path(files[0]).parent, "first-frame", "last-frame")
        return files_sentence(files, config) + "\n" + marked(dust)

    def show() -> None:
        if preview and frames.chosen:
            read = functools.partial(read_frame, frames.chosen)
            look = functools.partial(preview.look, read=read, **arguments.cleaning(config))
            before_and_after.show_spots(look, _("Cleaning a part of a frame..."))

    frames.on_change = show
    window.say(_("Reading the mask..."))
    window.answer_after(mask_image.reading(image), found)
    window.run()


def files_sentence(files: Sequence[Path], config: Gimp.ProcedureConfig) -> str:
    """Say how many files will be written, and what happens to those that exist."""
    folder, exists = clean_files.folder_for(files, config), config.get_property("exists")
    existing = sum((folder / Path(file).name).exists() for file in files)
    text = count_text(
        "{number} file will be written to {folder}.",
        "{number} files will be written to {folder}.",
        len(files) - (existing if exists == "skip" else 0),
        folder=path_text(folder),
    )
    return f"{text} {about_existing(exists, existing)}" if existing else text


def about_existing(exists: str, number: int) -> str:
    """Say what happens to files that exist."""
    if exists == "skip":
        return count_text(
            "{number} exists already and is kept if it is complete.",
            "{number} exist already and are kept if they are complete.",
            number,
        )
    if exists == "overwrite":
        return count_text(
            "{number} exists already and will be overwritten.",
            "{number} exist already and will be overwritten.",
            number,
        )
    return count_text(
        "{number} exists already; the new one gets another name.",
        "{number} exist already; the new ones get other names.",
        number,
    )


def marked(dust: DustMask) -> str:
    """Say how much the mask marks."""
    number = int(dust.binary().sum())
    if not number:
        return _("The mask marks nothing.")
    return count_text(
        "The mask marks {number} pixel, {share} of the picture.",
        "The mask marks {number} pixels, {share} of the picture.",
        number,
        share=share_text(number / dust.grey.size),
    )


def ask_for_layers(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
) -> Gimp.Image | None:
    """Ask how to clean layers; returns the open mask image if one was chosen."""
    chosen = layers.editable(image, drawables)
    before = pixels.read_drawable(chosen[0])
    window = Window(procedure, config, _("Apply Dust Mask to a Layer"), _("_Apply"))
    masks = MaskChooser(config, image, window.worker())
    window.align(masks.label)
    window.add(masks)
    window.settings("method", "new-layer")
    window.add_answer()
    before_and_after = BeforeAndAfter(window.worker())
    window.add(before_and_after)

    preview = None

    def found(dust: DustMask) -> str:
        nonlocal preview
        clean_layers.check_size(dust, image, chosen)
        if dust.grey.shape == before.shape[:2]:
            preview = core.previews.MaskPreview(dust)
            show()
        return marked(dust)

    def find() -> None:
        nonlocal preview
        preview = None
        before_and_after.show_spots(None)
        window.say(_("Reading the mask..."))
        window.answer_after(clean_layers.reading_mask(image, config, masks.image), found)

    def show() -> None:
        if preview:
            options = arguments.cleaning(config)
            look = functools.partial(preview.look, read=lambda: before, **options)
            before_and_after.show_spots(look, _("Cleaning a part of the layer..."))

    masks.on_change = find
    find()
    window.on_change(show, "method")
    window.run()
    return masks.image
