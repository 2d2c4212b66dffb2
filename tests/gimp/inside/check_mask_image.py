"""The mask image of Estimate holds the core's mask to the bit, and Apply uses what it shows."""

import dataclasses
import functools
import json

import numpy as np
from gi.repository import Gimp

import dustbust
import dustbust.image.morphology
from dustbust.files.write import write_picture
from dustbust_gimp import core
from dustbust_gimp.gimp import mask_image
from dustbust_gimp.steps import asking, finish
from helpers import (
    APPLY,
    ESTIMATE,
    FRAMES,
    add_layer,
    all_layers,
    call,
    get,
    new_image,
    open_image,
    put,
    refusal,
    role,
    save,
    stored,
    threshold_of,
    with_role,
)

kept = []  # images that serve several checks


@functools.cache
def _estimated(**arguments):
    (image,) = call(ESTIMATE, first_frame=FRAMES[0], last_frame=FRAMES[-1], **arguments)
    kept.append(image)
    return image


def estimated(**arguments):
    """A mask image of the sample run, to do with as one likes."""
    return _estimated(**arguments).duplicate()


@functools.cache
def expected():
    return dustbust.estimate_mask(FRAMES)


def cleaned_with(mask, **arguments):
    """The pixels of the first frame (as GIMP opens it), cleaned with this mask image."""
    image = open_image(FRAMES[0])
    call(APPLY, image=image, drawables=image.get_layers(), mask_image=mask, **arguments)
    return get(image.get_layers()[0], "R'G'B' u8")


def cleaned_by_core(dust):
    image = open_image(FRAMES[0])
    return dustbust.apply_mask(get(image.get_layers()[0], "R'G'B' u8"), dust)


def check_batch_gives_a_grey_image_with_the_masks_own_steps(folder):
    image, dust = estimated(), expected()
    assert image.get_base_type() == Gimp.ImageBaseType.GRAY
    assert image.get_precision() == Gimp.Precision.U16_NON_LINEAR
    (layer,) = image.get_layers()
    assert np.array_equal(get(layer, "Y' u16")[..., 0] / np.float32(65535), dust.grey)
    low = threshold_of(layer).get_config().get_property("low")
    assert abs(low - dust.threshold) < 1 / 65535
    assert json.loads(bytes(image.get_parasite("dustbust-run").get_data()))["frames"] == [
        str(path) for path in FRAMES
    ]


def check_it_shows_exactly_what_is_marked(folder):
    image, dust = estimated(), expected()
    shown = Gimp.Layer.new_from_visible(image, image, "shown")
    assert np.array_equal(get(shown, "Y' u16")[..., 0] == 65535, dust.binary())


def check_apply_on_a_layer_gives_the_cores_pixels(folder):
    mask, dust = estimated(), expected()
    clean = cleaned_with(mask)
    assert np.array_equal(clean, cleaned_by_core(dust))
    assert dust.binary().any()


def check_a_moved_threshold_counts(folder):
    mask, dust = estimated(), expected()
    filter = threshold_of(mask.get_layers()[0])
    filter.get_config().set_property("low", 0.31)
    filter.update()
    assert np.array_equal(
        cleaned_with(mask),
        cleaned_by_core(dataclasses.replace(dust, threshold=np.ceil(0.31 * 65535) / 65535)),
    )


def check_overlay_is_red_over_the_frame_where_dust_is_marked(folder):
    colours = dustbust.files.read.read_frame(FRAMES[2]).astype(np.uint16) * 257
    grey = (
        colours[..., :1] + np.arange(colours.shape[1], dtype=np.uint16)[:, None] % 7
    )  # all of the 16 bits
    write_picture(folder / "grey.png", grey)
    for path, frame in ((FRAMES[2], colours), (folder / "grey.png", grey)):
        image, binary = estimated(frame=path), expected().binary()
        with_role(image, "overlay").set_opacity(100)
        shown = get(Gimp.Layer.new_from_visible(image, image, "shown"), "R'G'B' u16")
        assert (shown[binary] == (65535, 0, 0)).all()
        assert np.array_equal(shown[~binary], np.broadcast_to(frame, shown.shape)[~binary])


def check_a_mask_over_a_frame_of_8_bits_has_8_bits(folder):
    image, dust = estimated(frame=FRAMES[2]), expected()
    assert image.get_precision() == Gimp.Precision.U8_NON_LINEAR
    assert np.array_equal(binary_shown(image), dust.binary())
    for level in (30, 100, 127, 129, 200, 254):
        threshold = threshold_of(with_role(image, "mask"))
        threshold.get_config().set_property("low", level / 255)
        threshold.update()
        assert np.array_equal(binary_shown(image), dust.binary(level / 255)), level


def binary_shown(image):
    """Where an image shows red over its frame, bool (H, W)."""
    scratch = image.duplicate()
    scratch.remove_layer(with_role(scratch, "frame"))
    shown = Gimp.Layer.new_from_visible(scratch, scratch, "shown")
    scratch.delete()
    return get(shown, "R'G'B'A u8")[..., 3] > 0


def check_a_stroke_lands_on_the_mask_alone(folder):
    image = estimated(frame=FRAMES[2])
    layers = {role(layer): layer for layer in all_layers(image)}
    assert {name for name, layer in layers.items() if layer.get_lock_content()} == {
        "frame",
        "red",
        "eraser",
    }
    others = [layers["frame"], layers["red"], layers["eraser"]]
    before = list(map(stored, others))
    for layer in others:
        assert layer.get_lock_position()
        assert not painted(layer)
    assert list(map(stored, others)) == before
    assert painted(layers["mask"])
    assert binary_shown(image)[40:60, 30:90].all()


def painted(layer):
    """Fill a rectangle of a layer with white, if GIMP allows it."""
    image = layer.get_image()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 30, 40, 60, 20)
    before = stored(layer)
    layer.edit_fill(Gimp.FillType.WHITE)
    Gimp.Selection.none(image)
    return stored(layer) != before


def check_a_review_changes_what_it_decided_and_nothing_else(folder):
    for arguments, format in (({}, "Y' u16"), ({"frame": FRAMES[2]}, "Y' u8")):
        image = estimated(**arguments)
        layer = with_role(image, "mask")
        request = finish(mask_image.reading(image))
        dust = core.ask(request.operation, **request.arguments)
        assert finish(asking(core.Request("read_ahead", frame=FRAMES[0]))) is None
        begun = core.ask("begin_review", dust=dust, threads=1)
        review = {"review": begun["review"], "threshold": begun["threshold"]}
        listed = core.ask("review_particles", order="size", at=[], **review)["particles"]
        y, x, top, left, bottom, right = next(
            particle for particle in listed if particle[2] > 70 and particle[3] > 100
        )
        core.ask("toggle_particle", y=y, x=x, **review)
        kept_mask = core.ask("keep_review", review=begun["review"], threshold=0.6)
        assert painted(layer)  # since the mask was read
        near = get(layer, format).copy()
        near[bottom + 4, right + 4] = np.iinfo(near.dtype).max // 2
        put(layer, near, format)
        before = get(layer, format)
        step = 256 if before.dtype == np.uint16 else 1
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 9, 9)  # does not limit the change
        grey = request.arguments["grey"]
        grey = finish(mask_image.changing(image, kept_mask, grey))
        after = get(layer, format)
        assert before[y, x] > 0
        assert after[y, x] == 0
        # Below the threshold, the core keeps the grey in coarse steps.
        others = np.abs(before.astype(int) - after) > step
        others[top - 4 : bottom + 4, left - 4 : right + 4] = False
        assert not others.any()
        assert after[40:60, 30:90].min() == np.iinfo(after.dtype).max
        assert Gimp.Selection.bounds(image)[2:] == (0, 0, 9, 9)
        low = threshold_of(layer).get_config().get_property("low")
        assert abs(low - 0.6) < 1 / 65535

        kept_mask = core.ask("keep_review", review=begun["review"], threshold=0.7)
        finish(mask_image.changing(image, kept_mask, grey))
        assert np.abs(get(layer, format).astype(int) - after).max() <= step
        assert threshold_of(layer).get_config().get_property("low") > 0.69
    core.stop()


def check_overlay_mask_cleans_as_the_plain_one(folder):
    assert np.array_equal(cleaned_with(estimated(frame=FRAMES[2])), cleaned_by_core(expected()))


def check_painting_in_and_out(folder):
    for arguments in ({}, {"frame": FRAMES[0]}):
        mask, dust = estimated(**arguments), expected()
        layer = with_role(mask, "mask")
        painted = get(layer, "Y' u16").copy()
        painted[100:130, 100:140] = 0
        painted[150:153, 40:60] = 65535
        put(layer, painted, "Y' u16")
        edited = dataclasses.replace(dust, grey=painted[..., 0] / np.float32(65535))
        assert np.array_equal(cleaned_with(mask), cleaned_by_core(edited))


def check_a_layer_painted_above_the_mask_counts(folder):
    mask, dust = estimated(), expected()
    hide = np.full((60, 80, 1), 0, np.uint16)
    add_layer(mask, hide, "Y' u16", 50, 20)
    grey = dust.grey.copy()
    grey[20:80, 50:130] = 0
    assert np.array_equal(cleaned_with(mask), cleaned_by_core(dataclasses.replace(dust, grey=grey)))


def check_a_merged_threshold_marks_the_same_pixels(folder):
    for arguments in ({}, {"frame": FRAMES[0]}):
        mask, dust = estimated(**arguments), expected()
        with_role(mask, "mask").merge_filters()
        binary = dataclasses.replace(dust, grey=dust.binary(), threshold=0.5)
        assert np.array_equal(cleaned_with(mask), cleaned_by_core(binary))


def check_a_grey_mask_without_threshold_is_refused(folder):
    mask = estimated()
    for filter in mask.get_layers()[0].get_filters():
        filter.delete()
    assert "Colors > Threshold" in refusal(APPLY, image=mask, drawables=mask.get_layers())


def check_a_shifted_mask_over_its_frame_is_shifted(folder):
    mask, dust = estimated(frame=FRAMES[0]), expected()
    with_role(mask, "mask").set_offsets(3, 0)
    shown = get(Gimp.Layer.new_from_visible(mask, mask, "shown"), "R'G'B' u16")
    moved = np.zeros_like(dust.grey)
    moved[:, 3:] = dust.grey[:, :-3]
    clean = cleaned_with(mask)
    touched = (clean != cleaned_by_core(np.zeros(moved.shape, bool))).any(axis=2)
    near = dustbust.image.morphology.dilate(moved >= dust.threshold, 8)
    assert touched.any()
    assert not touched[~near].any()
    assert shown.size


def check_a_cropped_view_changes_nothing(folder):
    for arguments in ({}, {"frame": FRAMES[0]}):
        mask = estimated(**arguments)
        mask.resize(100, 80, -30, -20)
        assert np.array_equal(cleaned_with(mask), cleaned_by_core(expected()))


def check_renaming_and_reordering_change_nothing(folder):
    mask = estimated(frame=FRAMES[0])
    for number, layer in enumerate(all_layers(mask)):
        layer.set_name(f"layer {number}")
    add_layer(mask, np.full((20, 20, 3), 9999, np.uint16), "R'G'B' u16", 10, 10, name="a note")
    assert np.array_equal(cleaned_with(mask), cleaned_by_core(expected()))


def check_xcf_and_back(folder):
    dust = expected()
    for name, arguments in (("plain.xcf", {}), ("overlay.xcf", {"frame": FRAMES[0]})):
        mask = estimated(**arguments)
        save(mask, folder / name)
        mask.delete()
        again = open_image(folder / name)
        assert np.array_equal(cleaned_with(again), cleaned_by_core(dust))
        again.delete()
        image = open_image(FRAMES[0])
        call(APPLY, image=image, drawables=image.get_layers(), mask_file=folder / name)
        assert np.array_equal(get(image.get_layers()[0], "R'G'B' u8"), cleaned_by_core(dust))


def check_a_mask_image_of_16_bits_is_read(folder):
    """Over frames of 8 bits, masks had 16 bits too, and other names of layers."""
    plain, dust = estimated(), expected()
    height, width = dust.grey.shape
    image = new_image(width, height, precision="U16_NON_LINEAR")
    black = np.zeros((height, width, 3), np.uint16)
    layers = {"frame": add_layer(image, black, "R'G'B' u16", name="frame.jpg")}
    layers["overlay"] = Gimp.GroupLayer.new(image, "Dust")
    image.insert_layer(layers["overlay"], None, 0)
    add = functools.partial(add_layer, image, parent=layers["overlay"])
    grey = get(plain.get_layers()[0], "Y' u16")
    layers["mask"] = add(np.repeat(grey, 3, 2), "R'G'B' u16", name="Mask")
    layers["red"] = add(black + np.array([65535, 0, 0], np.uint16), "R'G'B' u16", name="Red")
    layers["red"].set_mode(Gimp.LayerMode.MULTIPLY)
    layers["eraser"] = add(black, "R'G'B' u16", name="Rest")
    layers["eraser"].set_mode(Gimp.LayerMode.COLOR_ERASE)
    for name, layer in layers.items():
        layer.attach_parasite(
            Gimp.Parasite.new("dustbust-role", Gimp.PARASITE_PERSISTENT, name.encode())
        )
    threshold = Gimp.DrawableFilter.new(layers["mask"], "gimp:threshold", "Dust threshold")
    threshold.get_config().set_property("low", dust.threshold - 0.25 / 65535)
    threshold.update()
    layers["mask"].append_filter(threshold)
    for name in ("dustbust-mask", "dustbust-run"):
        image.attach_parasite(plain.get_parasite(name))
    save(image, folder / "before.xcf")
    again = open_image(folder / "before.xcf")
    assert np.array_equal(cleaned_with(again), cleaned_by_core(dust))
    put(with_role(again, "mask"), black, "R'G'B' u16")
    nothing = dataclasses.replace(dust, grey=np.zeros_like(dust.grey))
    assert np.array_equal(cleaned_with(again), cleaned_by_core(nothing))


def check_mask_without_its_grey_layer_is_refused(folder):
    mask = estimated(frame=FRAMES[0])
    mask.flatten()
    assert "grey mask is gone" in refusal(APPLY, image=mask, drawables=mask.get_layers())


def check_black_and_white_from_anywhere(folder):
    dust = expected()
    white = dust.binary()
    image = Gimp.Image.new(white.shape[1], white.shape[0], Gimp.ImageBaseType.RGB)
    add_layer(
        image, np.repeat(np.where(white, 255, 0).astype(np.uint8)[..., None], 3, 2), "R'G'B' u8"
    )
    assert np.array_equal(cleaned_with(image), cleaned_by_core(white))
    save(image, folder / "mask.png")
    opened = open_image(FRAMES[0])
    call(APPLY, image=opened, drawables=opened.get_layers(), mask_file=folder / "mask.png")
    assert np.array_equal(get(opened.get_layers()[0], "R'G'B' u8"), cleaned_by_core(white))


def check_the_cores_mask_file_is_the_mask(folder):
    dust = expected()
    dust.save(folder / "mask.png")
    opened = open_image(FRAMES[0])
    call(APPLY, image=opened, drawables=opened.get_layers(), mask_file=folder / "mask.png")
    assert np.array_equal(get(opened.get_layers()[0], "R'G'B' u8"), cleaned_by_core(dust))
