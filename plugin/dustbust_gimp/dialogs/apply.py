"""The windows of Apply Dust Mask: one for the files of a run, one for layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gi.repository import Gimp, GimpUi, Gtk

from .. import core
from ..actions import choices, clean_files, clean_layers
from ..errors import Cancelled, Refused
from ..gimp import layers, mask_image, pixels
from ..steps import Steps
from ..texts import _, count_text, path_text, share_text, translated
from .choosers import MaskChooser
from .preview import BeforeAndAfter, Look
from .review import ReviewPane
from .thumbnail import Thumbnail
from .window import Window

# Parasites of GIMP: whether the user has ever confirmed the window for layers, and the size of the
# window for files.
ASKED, SIZE = "dustbust-asked-for-layers", "dustbust-review-size"


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
    # With the name of the mask, as several are reviewed one after the other.
    title = _("Apply Dust Mask to a Run") + f": {image.get_name()}"
    window = Window(procedure, config, title, _("_Write"))
    window.open_large(SIZE)
    window.explained("exists", choices.existing_files())
    about = {"method": choices.restoration_methods()}
    window.folded("method", "folder", "first-frame", "last-frame", about=about)
    window.add_answer()
    of_image, shown = mask_image.files_of(image), mask_image.shown_of(image)
    dust = grey = None

    def read() -> Steps[core.Request]:
        """Read the mask, and remember the grey that the image has."""
        nonlocal grey
        request = yield from mask_image.reading(image)
        grey = request.arguments.get("grey")
        return request

    def keep(mask: core.Handle) -> Steps[None]:
        """Put the mask of the review into the image."""
        nonlocal grey
        grey = yield from mask_image.changing(image, mask, grey)

    review = ReviewPane(window.worker(), window.worker(), keep)
    window.add(review, grows=True)

    def find_run() -> None:
        """Let the user show one frame of the run, whose folder was moved or renamed."""
        nonlocal of_image, shown
        frame = one_frame(window)
        if frame is None:
            return
        try:
            mask_image.move_run(image, frame)
        except Refused as refusal:
            window.say(translated(refusal), possible=False)
            return
        of_image, shown = mask_image.files_of(image), mask_image.shown_of(image)
        describe()

    lost = window.add_way_out(
        _("Loo_k for the run..."),
        _("Choose one frame of the run where it is now; the others are found from it"),
        find_run,
    )

    def found(mask: core.Handle) -> str:
        nonlocal dust
        dust = mask
        review.begin(dust)
        review.on_change = describe
        window.on_change(describe, "folder", "exists", "first-frame", "last-frame", "method")
        return marked(dust)

    def describe() -> None:
        wanted = clean_files.files_wanted(of_image, config)
        settings = {
            "folder": clean_files.folder_of(config),
            "method": config.get_property("method"),
        }
        masks = {"dust": dust, "review": review.handle}
        window.answer(core.Request("plan_files", **wanted, **masks, **settings), described)

    def described(plan: dict[str, Any]) -> str:
        lost.set_visible(bool(plan["missing"]))
        clean_files.check_there(plan)
        files = plan["files"]
        review.offer(files, shown, config.get_property("method"))
        window.begin_in(Path(files[0]).parent, "first-frame", "last-frame")
        return files_sentence(plan, config.get_property("exists"))

    window.say(_("Reading the mask..."))
    if of_image.files:  # the core decodes a frame while GIMP gives the mask
        first = shown or of_image.files[0]
        window.worker().send(core.Request("read_ahead", frame=first), lambda _done: None)
    window.answer_after(read(), found)
    try:
        window.run()
    except Cancelled:
        review.finish_change()
        if review.changed and wants_to_keep():
            review.keep_changes()
        raise
    review.finish_change()
    review.keep_changes()


def wants_to_keep() -> bool:
    """Ask whether the decisions of a review that was cancelled shall be kept."""
    question = Gtk.MessageDialog(
        message_type=Gtk.MessageType.QUESTION,
        title=_("Dustbust"),
        text=_("Keep the changes in the mask image?"),
        secondary_text=_("No files are written. Kept changes can be undone in GIMP."),
    )
    question.add_buttons(_("_Discard"), Gtk.ResponseType.NO, _("_Keep"), Gtk.ResponseType.YES)
    question.set_default_response(Gtk.ResponseType.YES)
    GimpUi.window_set_transient(question)
    answer = question.run()
    question.destroy()
    return answer == Gtk.ResponseType.YES


def one_frame(window: Window) -> str | None:
    """Let the user choose one frame of a run; returns its path, or None."""
    chooser = Gtk.FileChooserDialog(
        title=_("One Frame of the Run"),
        transient_for=window.dialog,
        action=Gtk.FileChooserAction.OPEN,
    )
    chooser.add_buttons(
        *(_("_Cancel"), Gtk.ResponseType.CANCEL), *(_("_Open"), Gtk.ResponseType.ACCEPT)
    )
    chooser.set_default_response(Gtk.ResponseType.ACCEPT)
    Thumbnail(chooser, window.worker())
    chosen = chooser.get_filename() if chooser.run() == Gtk.ResponseType.ACCEPT else None
    chooser.destroy()
    return chosen


def spots(preview: core.Handle, config: Gimp.ProcedureConfig, picture: core.Handle) -> Look:
    """Return the function that makes the request for a spot of a picture."""
    method = config.get_property("method")
    return lambda number: core.Request(
        "look_at_spot", preview=preview, number=number, picture=picture, method=method
    )


def files_sentence(plan: dict[str, Any], exists: str) -> str:
    """Say how many files will be written, and what happens to those that exist."""
    kinds = {
        _("{number} up to date"): plan["up_to_date"],
        _("{number} made with another mask or other settings"): plan["outdated"],
        _("{number} changed by you"): plan["edited"],
    }
    existing = sum(kinds.values())
    kept = plan["up_to_date"] + plan["edited"] if exists == "skip" else 0
    sentences = [
        count_text(
            "{number} file will be written to {folder}.",
            "{number} files will be written to {folder}.",
            plan["new"] + existing - kept,
            folder=path_text(plan["folder"]),
        )
    ]
    if existing:
        listed = ", ".join(text.format(number=number) for text, number in kinds.items() if number)
        fate = {
            "skip": _("There already: {files}. Only those of another mask are renewed."),
            "overwrite": _("There already: {files}. All are overwritten."),
            "rename": _("There already: {files}. All are kept; the new ones get other names."),
        }[exists]
        sentences.append(fate.format(files=listed))
    if plan["failed"]:
        sentences.append(
            count_text(
                "{number} cannot be cleaned: {reason}",
                "{number} cannot be cleaned, the first: {reason}",
                len(plan["failed"]),
                reason=translated(plan["failed"][0]),
            )
        )
    return "\n".join(sentences)


def marked(dust: core.Handle) -> str:
    """Say how much the mask marks."""
    if not dust.marked:
        return _("The mask marks nothing.")
    return count_text(
        "The mask marks {number} pixel, {share} of the picture.",
        "The mask marks {number} pixels, {share} of the picture.",
        dust.marked,
        share=share_text(dust.marked / (dust.shape[0] * dust.shape[1])),
    )


def ask_for_layers(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
) -> Gimp.Image | None:
    """Ask how to clean layers; returns the open mask image if one was chosen."""
    chosen = layers.editable(image, drawables)
    if Gimp.get_parasite(ASKED) is None:
        # In a window, repairs on a layer of their own are safer; in batch mode, the layer that is
        # given is the one to be cleaned.
        config.set_property("new-layer", True)
    window = Window(procedure, config, _("Apply Dust Mask to a Layer"), _("_Apply"))
    sizes = {
        (image.get_width(), image.get_height()),
        *((layer.get_width(), layer.get_height()) for layer in chosen),
    }
    masks = MaskChooser(config, image, sizes, window.worker())
    window.align(masks.label)
    window.add(masks)
    window.explained("method", choices.restoration_methods())
    window.settings("new-layer")
    window.add_answer()
    before_and_after = BeforeAndAfter(window.worker())
    window.add(before_and_after)

    before = dust = preview = None
    previews = window.worker()

    def read() -> Steps[core.Request]:
        """Read the layer once, and the mask."""
        nonlocal before
        before = before or (yield from pixels.reading_drawable(chosen[0]))
        return (yield from clean_layers.reading_mask(image, config, masks.image))

    def found(mask: core.Handle) -> str:
        nonlocal dust
        clean_layers.check_size(mask, image, chosen)
        dust = mask
        # A mask of the whole picture, of which the layer is a part, has no preview.
        whole = [image.get_height(), image.get_width()]
        if dust.shape == before.shape[:2] or dust.shape != whole:
            request = core.Request("mask_preview", dust=dust)
            previews.send(request, lambda made: begin(mask, made))
        return marked(dust)

    def begin(mask: core.Handle, made: core.Handle | Exception) -> None:
        nonlocal preview
        if mask is not dust:  # the user has chosen another one meanwhile
            return
        if isinstance(made, Exception):
            before_and_after.say(translated(made))
            return
        preview = made
        show()

    def find() -> None:
        nonlocal dust, preview
        dust = preview = None
        before_and_after.show_spots(None)
        window.say(_("Reading the mask..."))
        window.answer_after(read(), found)

    def show() -> None:
        if preview:
            look = spots(preview, config, picture=before)
            before_and_after.show_spots(look, _("Cleaning a part of the layer..."))

    masks.on_change = find
    find()
    window.on_change(show, "method")
    window.run()
    Gimp.attach_parasite(Gimp.Parasite.new(ASKED, Gimp.PARASITE_PERSISTENT, b"yes"))
    return masks.image
