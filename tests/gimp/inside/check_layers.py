"""Apply on layers of every kind: the core's pixels in dust and the same bits elsewhere."""

import numpy as np
from gi.repository import Babl, Gegl, Gimp

import dustbust
import dustbust.image.morphology
from helpers import (
    APPLY,
    ESTIMATE,
    FRAMES,
    STACK,
    add_layer,
    all_layers,
    call,
    call_here,
    file,
    get,
    new_image,
    refusal,
    stored,
)

HEIGHT, WIDTH = 60, 80
DUST = np.zeros((HEIGHT, WIDTH), bool)
DUST[20:24, 30:35] = DUST[40:42, 60:62] = True
# What the fill may change: the dust grown by its default of 2 px and a soft edge of a few more.
AWAY = ~dustbust.image.morphology.dilate(DUST, 8)

PRECISIONS = [
    f"{number}_{curve}"
    for number in ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
    for curve in ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
]


def picture(channels, seed=3):
    """A smooth picture with bright dust, 0..1; a last channel of two or four is alpha."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack(
        [
            0.2 + 0.4 * x / WIDTH + 0.2 * y / HEIGHT + 0.02 * rng.random((HEIGHT, WIDTH))
            for _ in range(channels)
        ],
        2,
    )
    colours = channels - (channels % 2 == 0)
    pixels[DUST, :colours] = 0.97
    if channels % 2 == 0:
        pixels[..., -1] = np.where(x < 10, 0.5, 1)
    return pixels.astype(np.float32)


def mask_file(folder):
    """The dust as a black and white file."""
    path = folder / "dust.png"
    dustbust.DustMask(DUST.astype(np.float32), 0.5).save(path)
    return path


def image_with(pixels, base, precision, profile=None):
    """An image of one layer with these pixels (0..1, as they are in a file: non-linear)."""
    image = new_image(pixels.shape[1], pixels.shape[0], base, precision)
    if profile is not None:
        image.set_color_profile(profile)
    kind = {("RGB", 3): "RGB", ("RGB", 4): "RGBA", ("GRAY", 1): "GRAY", ("GRAY", 2): "GRAYA"}[
        base, pixels.shape[2]
    ]
    kind = getattr(Gimp.ImageType, kind + "_IMAGE")
    layer = Gimp.Layer.new(
        image, "scan", pixels.shape[1], pixels.shape[0], kind, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(layer, None, 0)
    write_all(layer, pixels, own_format(layer))
    return image, layer


def own_format(layer):
    """R'G'B' float (or the like) in the layer's colour space."""
    model = ("Y'" if layer.is_gray() else "R'G'B'") + ("A" if layer.has_alpha() else "")
    return Babl.get_name(
        Babl.format_with_space(model + " float", Babl.format_get_space(layer.get_format()))
    )


def write_all(layer, pixels, format):
    buffer = layer.get_buffer()
    buffer.set(
        Gegl.Rectangle.new(0, 0, pixels.shape[1], pixels.shape[0]),
        format,
        np.ascontiguousarray(pixels, np.float32).tobytes(),
    )
    buffer.flush()
    layer.update(0, 0, pixels.shape[1], pixels.shape[0])


def read_all(layer, format):
    buffer = layer.get_buffer()
    data = buffer.get(buffer.get_extent(), 1.0, format, Gegl.AbyssPolicy.NONE)
    return np.frombuffer(data, np.float32).reshape(layer.get_height(), layer.get_width(), -1)


def bits(layer):
    """One row of bytes per pixel."""
    return np.frombuffer(stored(layer), np.uint8).reshape(layer.get_height(), layer.get_width(), -1)


def cleaned(image, layer, folder, **arguments):
    call(
        APPLY,
        image=image,
        drawables=[layer],
        mask_file=mask_file(folder),
        method="fill",
        **arguments,
    )


def check_every_precision(folder):
    path = mask_file(folder)
    for precision in PRECISIONS:
        for base, channels in (("RGB", 3), ("RGB", 4), ("GRAY", 1), ("GRAY", 2)):
            if base == "GRAY" and not precision.endswith("_NON_LINEAR") and channels == 1:
                continue  # grey without alpha at the usual curve is enough
            image, layer = image_with(picture(channels), base, precision)
            format, before = own_format(layer), bits(layer)
            values = read_all(layer, format)
            call_here(APPLY, image=image, drawables=[layer], mask_file=path, method="fill")
            after, result = bits(layer), read_all(layer, format)
            assert np.array_equal(after[AWAY], before[AWAY]), (
                f"{precision} {base} {channels}: pixels away from dust changed"
            )
            expected = dustbust.apply_mask(np.ascontiguousarray(values), DUST, method="fill")
            step = {"U8": 1 / 255, "HALF": 1 / 1000}.get(precision.split("_")[0], 2e-5)
            assert np.abs(result - expected).max() <= 1.01 * step * (
                4 if "_LINEAR" in precision and "NON" not in precision else 1
            ), f"{precision} {base} {channels}: {np.abs(result - expected).max()}"
            assert np.abs(result - values)[DUST].max() > 0.1
            image.delete()


def check_adobe_rgb(folder):
    path = mask_file(folder)
    profile = Gimp.ColorProfile.new_rgb_adobe()
    for precision in PRECISIONS:
        image, layer = image_with(picture(3), "RGB", precision, profile)
        format, before = own_format(layer), bits(layer)
        values = read_all(layer, format)
        call_here(APPLY, image=image, drawables=[layer], mask_file=path, method="fill")
        assert np.array_equal(bits(layer)[AWAY], before[AWAY]), precision
        expected = dustbust.apply_mask(np.ascontiguousarray(values), DUST, method="fill")
        step = (
            0.02 if precision == "U8_LINEAR" else 0.005
        )  # the first steps of linear light are large ones of R'G'B'
        assert np.abs(read_all(layer, format) - expected).max() < step, precision
        assert np.abs(read_all(layer, format) - values)[DUST].max() > 0.1
        image.delete()


def check_8_and_16_bit_are_the_cores_pixels_exactly(folder):
    for precision, dtype, format in (
        ("U8_NON_LINEAR", np.uint8, "R'G'B' u8"),
        ("U16_NON_LINEAR", np.uint16, "R'G'B' u16"),
    ):
        image, layer = image_with(picture(3), "RGB", precision)
        before = get(layer, format)
        assert before.dtype == dtype
        cleaned(image, layer, folder)
        assert np.array_equal(get(layer, format), dustbust.apply_mask(before, DUST, method="fill"))
        image.delete()


def check_selection_limits(folder):
    image, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    before, format = bits(layer), "R'G'B' u8"
    whole = dustbust.apply_mask(get(layer, format), DUST, method="fill")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 45, HEIGHT)
    cleaned(image, layer, folder)
    after = get(layer, format)
    assert np.array_equal(after[:, 45:], before[:, 45:].reshape(HEIGHT, -1, 3))
    assert np.array_equal(after[:, :45], whole[:, :45])


def check_nothing_selected_in_the_layer_is_refused(folder):
    image = new_image(WIDTH, HEIGHT)
    layer = add_layer(image, np.zeros((20, 20, 3), np.uint8), "R'G'B' u8")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 40, 10, 10)
    assert "outside the selection" in refusal(
        APPLY, image=image, drawables=[layer], mask_file=mask_file(folder)
    )


def check_offset_layer_with_a_mask_of_its_own_size(folder):
    image, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    layer.set_offsets(-7, 11)
    expected = dustbust.apply_mask(get(layer, "R'G'B' u8"), DUST, method="fill")
    cleaned(image, layer, folder)
    assert np.array_equal(get(layer, "R'G'B' u8"), expected)


def check_a_part_of_the_picture_with_the_masks_place_on_the_canvas(folder):
    image = new_image(WIDTH, HEIGHT)
    part = (picture(3)[10:50, 20:70] * 255).astype(np.uint8)
    layer = add_layer(image, part, "R'G'B' u8", 20, 10)
    cleaned(image, layer, folder)
    expected = dustbust.apply_mask(part, DUST[10:50, 20:70], method="fill")
    assert np.array_equal(get(layer, "R'G'B' u8"), expected)


def check_layer_in_a_group_and_with_a_layer_mask(folder):
    image, layer = image_with(picture(4), "RGB", "U8_NON_LINEAR")
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    layer.set_edit_mask(False)
    before_mask = stored(mask)
    expected = dustbust.apply_mask(get(layer, "R'G'B'A u8"), DUST, method="fill")
    cleaned(image, layer, folder)
    assert np.array_equal(get(layer, "R'G'B'A u8"), expected)
    assert stored(mask) == before_mask


def check_layer_with_a_filter_keeps_it(folder):
    image, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    filter = Gimp.DrawableFilter.new(layer, "gegl:invert-linear", "Invert")
    layer.append_filter(filter)
    expected = dustbust.apply_mask(get(layer, "R'G'B' u8"), DUST, method="fill")
    cleaned(image, layer, folder)
    assert np.array_equal(get(layer, "R'G'B' u8"), expected)
    assert len(layer.get_filters()) == 1


def check_repairs_as_a_layer_of_their_own(folder):
    for precision in ("U8_NON_LINEAR", "U16_LINEAR", "FLOAT_NON_LINEAR"):
        image, layer = image_with(picture(3), "RGB", precision)
        before, format = bits(layer), own_format(layer)
        expected = dustbust.apply_mask(
            np.ascontiguousarray(read_all(layer, format)), DUST, method="fill"
        )
        cleaned(image, layer, folder, new_layer=True)
        top, bottom = image.get_layers()
        assert bottom == layer
        assert np.array_equal(bits(layer), before)
        alpha = get(top, "R'G'B'A float")[..., 3]
        assert (alpha[AWAY] == 0).all()
        assert (alpha[DUST] == 1).all()
        visible = Gimp.Layer.new_from_visible(image, image, "visible")
        assert np.abs(read_all(visible, own_format(visible))[..., :3] - expected).max() < 0.004
        image.delete()


def check_repairs_stay_within_the_selection_too(folder):
    image, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 45, HEIGHT)
    cleaned(image, layer, folder, new_layer=True)
    alpha = get(image.get_layers()[0], "R'G'B'A u8")[..., 3]
    assert (alpha[:, 45:] == 0).all()
    assert (alpha[:, :45] == 255).any()


def check_the_report_counts_what_the_selection_left(folder):
    """One of the two particles lies within the selection."""
    from dustbust_gimp.actions import clean_layers

    image, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    config = Gimp.get_pdb().lookup_procedure(APPLY).create_config()
    for name, value in (("mask-file", file(mask_file(folder))), ("method", "fill")):
        config.set_property(name, value)
    config.set_property("new-layer", True)
    for width, outside in ((None, 0), (45, 1), (WIDTH, 0)):
        if width:
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, width, HEIGHT)
        reports = clean_layers.clean(image, [layer], config, None)
        assert [report["outside"] for report in reports] == [outside]
        said = " ".join(clean_layers.left_outside(reports))
        assert said.startswith("1 of the places lies outside the selection") == bool(outside)


def check_images_that_do_not_fit_as_masks_say_so(folder):
    from dustbust_gimp.dialogs.choosers import possible_masks

    image, same, other = new_image(60, 40), new_image(60, 40), new_image(61, 40)
    found = {each.get_id(): row for each, *row in possible_masks(image, {(60, 40)})}
    assert image.get_id() not in found
    assert found[same.get_id()][1]
    assert found[same.get_id()][0].endswith(", 60 x 40")
    assert not found[other.get_id()][1]
    assert found[other.get_id()][0].endswith(", 61 x 40 - another size")


def check_several_layers_at_once(folder):
    image, first = image_with(picture(3, seed=1), "RGB", "U8_NON_LINEAR")
    second = add_layer(image, (picture(3, seed=2) * 255).astype(np.uint8), "R'G'B' u8")
    expected = [
        dustbust.apply_mask(get(layer, "R'G'B' u8"), DUST, method="fill")
        for layer in (first, second)
    ]
    call(APPLY, image=image, drawables=[first, second], mask_file=mask_file(folder), method="fill")
    for layer, pixels in zip((first, second), expected, strict=True):
        assert np.array_equal(get(layer, "R'G'B' u8"), pixels)


def check_what_cannot_be_cleaned_is_refused_and_left_alone(folder):
    path = mask_file(folder)

    def refused(image, drawable, word):
        layers = {layer: stored(layer) for layer in all_layers(image)}
        message = refusal(APPLY, image=image, drawables=[drawable], mask_file=path)
        assert word in message and "\n" not in message, message
        assert {layer: stored(layer) for layer in all_layers(image)} == layers

    image, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    layer.set_lock_content(True)
    refused(image, layer, "locked")
    layer.set_lock_content(False)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    refused(image, group, "group")
    group.set_lock_content(True)
    refused(image, layer, "locked")
    group.set_lock_content(False)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    refused(image, mask, "not a layer")
    indexed, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    assert indexed.convert_indexed(
        Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 255, False, False, ""
    )
    refused(indexed, layer, "indexed")


def check_layers_without_pixels_of_their_own_are_refused_and_left_alone(folder):
    path, made = mask_file(folder), []
    fonts = Gimp.fonts_get_list("")
    assert fonts, "GIMP has no fonts, so that there is no text layer to try"
    image, scan = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    made.append((Gimp.TextLayer.new(image, "dust", fonts[0], 20, Gimp.Unit.pixel()), "text layer"))
    if Gimp.MINOR_VERSION >= 2:
        stroke = Gimp.Path.new(image, "path")
        image.insert_path(stroke, None, 0)
        start = stroke.bezier_stroke_new_moveto(5, 5)
        stroke.bezier_stroke_lineto(start, 40, 30)
        made += [
            (Gimp.VectorLayer.new(image, stroke), "vector layer"),
            (Gimp.LinkLayer.new(image, file(path)), "link layer"),
        ]
    for layer, kind in made:
        image.insert_layer(layer, None, 0)
        before = {each: stored(each) for each in image.get_layers()}
        for message in (
            refusal(APPLY, image=image, drawables=[layer], mask_file=path),
            refusal(STACK, image=image, drawables=[layer, scan]),
        ):
            assert kind in message and layer.get_name() in message and "\n" not in message, message
        assert {each: stored(each) for each in image.get_layers()} == before
        assert (
            layer.is_text_layer()
            if kind == "text layer"
            else getattr(layer, "is_" + kind.replace(" ", "_"))()
        )


def check_wrong_masks_are_refused(folder):
    image, layer = image_with(picture(3), "RGB", "U8_NON_LINEAR")
    before = bits(layer)
    assert "no mask" in refusal(APPLY, image=image, drawables=[layer])
    dustbust.DustMask(np.ones((5, 9), np.float32), 0.5).save(folder / "small.png")
    assert "9 x 5" in refusal(APPLY, image=image, drawables=[layer], mask_file=folder / "small.png")
    (folder / "text.jpg").write_text("no picture")
    assert "text.jpg" in refusal(
        APPLY, image=image, drawables=[layer], mask_file=folder / "text.jpg"
    )
    assert "gone.png" in refusal(
        APPLY, image=image, drawables=[layer], mask_file=folder / "gone.png"
    )
    assert "gone.xcf" in refusal(
        APPLY, image=image, drawables=[layer], mask_file=folder / "gone.xcf"
    )
    assert np.array_equal(bits(layer), before)


def check_a_portrait_layer_is_cleaned_with_the_mask_of_its_landscape_run(folder):
    """As the same frame upright: the dust lies elsewhere in it, and is found."""
    mask, *__ = call(ESTIMATE, first_frame=FRAMES[0], last_frame=FRAMES[-1])
    upright = dustbust.files.read.read_frame(FRAMES[0])
    frame = np.ascontiguousarray(np.rot90(upright))
    image = new_image(frame.shape[1], frame.shape[0])
    layer = add_layer(image, frame, "R'G'B' u8")
    call(APPLY, image=image, drawables=[layer], mask_image=mask)
    clean, dust = get(layer, "R'G'B' u8"), dustbust.estimate_mask(FRAMES)
    assert np.array_equal(clean, dustbust.apply_mask(frame, dust))
    turned = np.rot90(dustbust.apply_mask(upright, dust))
    assert np.count_nonzero((turned != frame).any(axis=2)) > 1000
    assert np.abs(clean.astype(int) - turned).max() <= 2
