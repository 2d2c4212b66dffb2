"""Stack in GIMP gives the core's page, as a new layer on top, and leaves the scans as they were."""

import numpy as np
from gi.repository import Gimp

import dustbust
from helpers import (
    APPLY,
    SAMPLES,
    STACK,
    add_layer,
    call,
    call_here,
    get,
    new_image,
    refusal,
    role,
)

PAIR = sorted((SAMPLES / "pair").glob("*.jpg"))


def scans(number=3, dtype=np.uint8, channels=3):
    """Scans of one size that differ everywhere, so that every mode has something to do."""
    rng = np.random.default_rng(5)
    white = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    page = rng.random((40, 50, channels))
    made = [
        (np.clip(page + 0.1 * rng.standard_normal(page.shape), 0, 1) * white).astype(dtype)
        for _ in range(number)
    ]
    if channels in (2, 4):
        for scan in made:
            scan[..., -1] = white
    return made


def stacked(pictures, format, precision="U8_NON_LINEAR", base="RGB", **arguments):
    """Stack scans, the first at the bottom: (image, its layers before, the new layer)."""
    image = new_image(pictures[0].shape[1], pictures[0].shape[0], base, precision)
    layers = [
        add_layer(image, picture, format, name=f"scan {number}")
        for number, picture in enumerate(pictures)
    ]
    layer, __ = call_here(STACK, image=image, drawables=layers, **arguments)
    return image, layers, layer


def check_every_mode_is_the_cores(folder):
    pictures = scans()
    for mode in dustbust.stacking.modes.MODES:
        if mode == "dust-free":  # refuses scans that lie on each other; the real pair has it
            continue
        image, _layers, layer = stacked(pictures, "R'G'B' u8", mode=mode, align=False)
        expected = dustbust.stack_scans(pictures, mode=mode, align=False, view=True)
        assert np.array_equal(get(layer, "R'G'B' u8"), expected), mode
        assert image.get_layers()[0] == layer
        assert len(image.get_layers()) == 4
        image.delete()


def check_grey_16_bit_float_and_alpha(folder):
    for dtype, precision, base, format in (
        (np.uint16, "U16_NON_LINEAR", "RGB", "R'G'B' u16"),
        (np.uint16, "U16_NON_LINEAR", "GRAY", "Y' u16"),
        (np.float32, "FLOAT_NON_LINEAR", "RGB", "R'G'B' float"),
        (np.uint8, "U8_NON_LINEAR", "RGB", "R'G'B'A u8"),
        (np.uint8, "U8_NON_LINEAR", "GRAY", "Y'A u8"),
    ):
        channels = len(format.split()[0].replace("'", ""))
        pictures = scans(dtype=dtype, channels=channels)
        image, _layers, layer = stacked(
            pictures, format, precision, base, mode="median", align=False
        )
        expected = dustbust.stack_scans(pictures, mode="median", align=False)
        assert np.array_equal(get(layer, format), expected), format
        image.delete()


def check_scans_stay_as_they_were(folder):
    pictures = scans()
    _image, layers, _layer = stacked(pictures, "R'G'B' u8", mode="mean", align=False)
    for scan, picture in zip(layers, pictures, strict=True):
        assert np.array_equal(get(scan, "R'G'B' u8"), picture)
        assert scan.get_visible()


def check_alignment_of_a_real_pair(folder):
    pictures = [dustbust.files.read.read_frame(path) for path in PAIR]
    pictures = [
        picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)
        for picture in pictures
    ]
    image = new_image(pictures[0].shape[1], pictures[0].shape[0])
    layers = [add_layer(image, picture, "R'G'B' u8") for picture in pictures]
    layer, __ = call(STACK, image=image, drawables=layers, mode="mean", aligned_layers=True)
    assert np.array_equal(get(layer, "R'G'B' u8"), dustbust.stack_scans(pictures, mode="mean"))
    aligned = image.get_layers()[1]
    both = get(aligned, "R'G'B'A u8")
    inside = both[..., 3] == 255
    error = np.abs(both[..., :3].astype(int) - pictures[0])[inside].mean()
    unaligned = (
        np.abs(pictures[1].astype(int) - pictures[0]).mean()
        if pictures[0].shape == pictures[1].shape
        else 255
    )
    assert inside.mean() > 0.5 and error < 0.8 * unaligned, (error, unaligned)


def check_offsets_and_sizes_count_without_alignment(folder):
    page = scans(1)[0]
    image = new_image(50, 40)
    bottom = add_layer(image, page, "R'G'B' u8")
    part = page[5:25, 10:40]
    darker = (part // 2).astype(np.uint8)
    top = add_layer(image, darker, "R'G'B' u8", 10, 5)
    layer, __ = call(STACK, image=image, drawables=[top, bottom], mode="minimum", align=False)
    expected = page.copy()
    expected[5:25, 10:40] = darker
    assert np.array_equal(get(layer, "R'G'B' u8"), expected)
    assert layer.get_offsets()[1:] == bottom.get_offsets()[1:]


def check_without_two_selected_all_visible_ones_count(folder):
    pictures = scans()
    image = new_image(50, 40)
    layers = [add_layer(image, picture, "R'G'B' u8") for picture in pictures]
    layers[1].set_visible(False)
    layer, __ = call(STACK, image=image, drawables=[layers[0]], mode="minimum", align=False)
    assert np.array_equal(get(layer, "R'G'B' u8"), np.minimum(pictures[0], pictures[2]))


def check_layer_masks_and_filters_count_as_they_look(folder):
    pictures = scans(2, channels=4)
    image = new_image(50, 40)
    layers = [add_layer(image, picture, "R'G'B'A u8") for picture in pictures]
    mask = layers[1].create_mask(Gimp.AddMaskType.BLACK)
    layers[1].add_mask(mask)
    layer, __ = call(STACK, image=image, drawables=layers, mode="maximum", align=False)
    assert np.array_equal(get(layer, "R'G'B'A u8"), pictures[0])
    assert layers[1].get_mask() == mask
    assert np.array_equal(get(layers[1], "R'G'B'A u8"), pictures[1])


def check_groups_count_as_what_they_show(folder):
    pictures = scans(2, channels=4)
    image = new_image(50, 40)
    bottom = add_layer(image, pictures[0], "R'G'B'A u8")
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    add_layer(image, pictures[1], "R'G'B'A u8", parent=group)
    layer, __ = call(STACK, image=image, drawables=[group, bottom], mode="maximum", align=False)
    assert np.array_equal(get(layer, "R'G'B'A u8"), np.maximum(*pictures))


def dusty_pair():
    """Two scans of one page, moved by (40, 25) px, with 40 specks of dark dust, 3 x 3 px each."""
    rng = np.random.default_rng(8)
    page = np.kron(rng.random((30, 30)), np.ones((12, 12)))
    page = (
        150 + 20 * sum(np.roll(page, (y, x), (0, 1)) for y in range(0, 4) for x in range(0, 4)) / 4
    )
    dust = np.zeros((300, 300), bool)
    for y, x in rng.integers(5, 290, (40, 2)):
        dust[y : y + 3, x : x + 3] = True
    scans = [page[:300, :300].copy(), page[25:325, 40:340].copy()]
    for scan in scans:
        scan += rng.normal(0, 1, scan.shape)
        scan[dust] = 20
    return (
        [np.repeat(scan.astype(np.uint8)[..., None], 3, 2) for scan in scans],
        page[:300, :300],
        dust,
    )


def check_the_preview_shows_the_page(folder):
    """A part of the page, combined alone, is that part of the whole page."""
    from dustbust_gimp import core
    from dustbust_gimp.actions.scans import Scans
    from dustbust_gimp.gimp import progress

    image = new_image(1100, 900, "GRAY")
    layers = [
        add_layer(image, dustbust.files.read.read_frame(path)[..., None], "Y' u8") for path in PAIR
    ]
    scans = progress.begin(Scans(layers).reading())()
    for mode, off in (
        ("mean", 0),
        ("maximum", 0),
        ("dust-free", 0.01),
    ):  # what dust is told from, a part has less of
        how = {"scans": scans, "mode": mode, "align": True, "polarity": "auto"}
        page = as_array(core.ask("stack", **how)["page"])
        shown = core.ask("look_at_page", number=0, **how)
        before, after = (as_array(part)[..., 0] for part in shown)
        height, width = after.shape
        first = dustbust.files.read.read_frame(PAIR[0])
        rows = [
            tuple(row)
            for row in np.argwhere(
                (first[: -height + 1, : -width + 1] == before[0, 0])
                & (first[height - 1 :, width - 1 :] == before[-1, -1])
            )
        ]
        top, left = next(
            (y, x) for y, x in rows if np.array_equal(first[y : y + height, x : x + width], before)
        )
        differs = np.abs(page[top : top + height, left : left + width, 0].astype(int) - after) > 1
        assert differs.mean() <= off, (mode, differs.mean())


def as_array(picture):
    """A picture of the core."""
    return np.frombuffer(picture.get(0, picture.shape[0]), picture.dtype).reshape(picture.shape)


def check_the_scanners_dust_is_kept_as_a_mask_that_cleans_one_scan(folder):
    pictures, page, dust = dusty_pair()
    image = new_image(300, 300)
    layers = [add_layer(image, picture, "R'G'B' u8") for picture in pictures]
    layer, nothing = call(STACK, image=image, drawables=layers)
    assert nothing is None
    assert np.median(np.abs(get(layer, "R'G'B' u8")[..., 0] - page)[dust]) < 5
    __, mask = call(STACK, image=image, drawables=layers, dust_mask=True)
    shown = get(Gimp.Layer.new_from_visible(mask, mask, "shown"), "Y' u16")[..., 0] > 0
    assert shown[dust].mean() > 0.95
    assert shown.mean() < 0.1
    single = new_image(300, 300)
    scan = add_layer(single, pictures[0], "R'G'B' u8")
    call(APPLY, image=single, drawables=[scan], mask_image=mask)
    clean = get(scan, "R'G'B' u8")[..., 0]
    assert np.abs(clean - page)[dust].mean() < 0.5 * np.abs(pictures[0][..., 0] - page)[dust].mean()
    assert "not made from a run" in refusal(APPLY, image=mask, drawables=mask.get_layers())
    __, none = call(STACK, image=image, drawables=layers, dust_mask=True, mode="mean")
    assert none is None


def check_messages_name_the_layers(folder):
    rng = np.random.default_rng(2)
    image = new_image(200, 200)
    layers = [
        add_layer(image, (255 * rng.random((200, 200, 3))).astype(np.uint8), "R'G'B' u8", name=name)
        for name in ("left page", "other page")
    ]
    message = refusal(STACK, image=image, drawables=layers)
    assert "left page" in message and "other page" in message, message


def check_refusals(folder):
    pictures = scans(2)
    image = new_image(50, 40)
    layer = add_layer(image, pictures[0], "R'G'B' u8")
    assert "two or more" in refusal(STACK, image=image, drawables=[layer])
    other = add_layer(image, pictures[1], "R'G'B' u8")
    blank = new_image(200, 200)
    flat = [add_layer(blank, np.full((200, 200, 3), 240, np.uint8), "R'G'B' u8") for _ in range(2)]
    message = refusal(STACK, image=blank, drawables=flat)
    assert "\n" not in message and len(blank.get_layers()) == 2, message
    assert image.convert_indexed(
        Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 255, False, False, ""
    )
    assert "indexed" in refusal(STACK, image=image, drawables=[layer, other])


def check_a_result_is_not_a_scan(folder):
    """Stacked again, the page and the aligned scans of before do not count."""
    pictures = scans()
    image, layers, page = stacked(pictures, "R'G'B' u8", mode="mean", align=False)
    assert role(page) == "page"
    again, __ = call(STACK, image=image, drawables=[page], mode="mean", align=False)
    assert np.array_equal(get(again, "R'G'B' u8"), get(page, "R'G'B' u8"))
    again, __ = call(STACK, image=image, drawables=[page, *layers[:2]], mode="minimum", align=False)
    assert np.array_equal(get(again, "R'G'B' u8"), np.minimum(*pictures[:2]))
    for layer in layers[1:]:
        layer.set_visible(False)
    assert "two or more" in refusal(STACK, image=image, drawables=[page, layers[0]])


def check_aligned_scans_are_not_scans_either(folder):
    pictures, __, __ = dusty_pair()
    image = new_image(300, 300)
    for picture in pictures:
        add_layer(image, picture, "R'G'B' u8")
    before = image.get_layers()
    call(STACK, image=image, drawables=before, mode="mean", aligned_layers=True)
    roles = {role(layer) for layer in image.get_layers() if layer not in before}
    assert roles == {"page", "aligned"}
    from dustbust_gimp.gimp import layers

    assert layers.scans(image, image.get_layers()) == before[::-1]


def check_the_reference_gives_the_page_its_place(folder):
    pictures, __, __ = dusty_pair()
    image = new_image(300, 300)
    layers = [add_layer(image, picture, "R'G'B' u8") for picture in pictures]
    page, __ = call(STACK, image=image, drawables=layers, mode="mean", reference=layers[1])
    expected = dustbust.stack_scans(pictures[::-1], mode="mean")
    assert np.array_equal(get(page, "R'G'B' u8"), expected)
    other = add_layer(image, pictures[0], "R'G'B' u8", name="a third one")
    message = refusal(STACK, image=image, drawables=layers, reference=other)
    assert "a third one: is the reference, but not one of the scans" in message


def check_the_polarity_of_the_dust_is_the_cores(folder):
    pictures, __, __ = dusty_pair()
    for polarity in ("dark", "light"):
        image = new_image(300, 300)
        layers = [add_layer(image, picture, "R'G'B' u8") for picture in pictures]
        page, __ = call(STACK, image=image, drawables=layers, polarity=polarity)
        expected = dustbust.stack_scans(pictures, polarity=polarity)
        assert np.array_equal(get(page, "R'G'B' u8"), expected), polarity
