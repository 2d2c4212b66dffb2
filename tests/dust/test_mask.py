"""A dust mask survives its file."""

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import dustbust
from dustbust.dust import mask_file
from dustbust.dust.model import DustModel
from helpers.mask_files import archive

FRAMES = sorted((Path(__file__).resolve().parents[1] / "samples" / "run").glob("*.jpg"))

HEADER = (
    b'{"shape": [4, 4], "threshold": 0.5, "frames": [], "report": {}, "polarity": "light", '
    b'"method": ""}'
)


def test_saved_mask_is_the_same_mask(tmp_path):
    rng = np.random.default_rng(1)
    dust = dustbust.DustMask(
        rng.random((20, 30)),
        0.25,
        "dark",
        "sum",
        ("a.jpg", "b.jpg"),
        {"slope": rng.random(7).astype(np.float16)},
        {"frames": 2},
    )
    dust.save(tmp_path / "mask.png")
    again = dustbust.DustMask.load(tmp_path / "mask.png")
    assert np.array_equal(again.grey, dust.grey)
    assert np.array_equal(again.binary(), dust.binary())
    assert np.array_equal(again.model["slope"], dust.model["slope"])
    assert (again.threshold, again.polarity, again.method, again.frames, again.report) == (
        dust.threshold,
        dust.polarity,
        dust.method,
        dust.frames,
        dust.report,
    )


def test_saved_mask_is_a_16_bit_png_for_any_program(tmp_path):
    steps = np.random.default_rng(2).integers(0, 65536, (70, 30), np.uint16)
    dustbust.DustMask(steps, 0.25).save(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as picture:
        assert picture.mode == "I;16"
        assert np.array_equal(np.asarray(picture), steps)


def test_measured_grey_is_coarse_below_the_threshold_and_stays_on_its_side():
    steps = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for threshold in (0, 40, 3277, 3264, 65535):
        before = steps / np.float32(65535)
        dust = dustbust.DustMask(before, threshold / 65535, scale=0.05)
        assert np.array_equal(dust.binary(), steps >= threshold)
        assert np.array_equal(dust.grey[steps >= threshold], before[steps >= threshold])
        assert np.abs(dust.grey - before).max() <= 0.5 / 255
        assert np.unique(dust.grey[steps < threshold]).size <= threshold // 256 + 2
        again = dustbust.DustMask(dust.grey, threshold / 65535, scale=0.05)
        assert np.array_equal(again.grey, dust.grey)


def test_the_suggested_opacity_is_grey_one_half():
    opacity = np.linspace(0, 1, 10001, dtype=np.float32)[None]
    for threshold in (0.01, 0.05, 0.0637, 0.5, 0.9):
        dust = dustbust.DustMask.of_opacity(opacity, threshold, method="opacity")
        assert np.array_equal(dust.binary(), opacity >= np.float32(threshold))
        assert np.array_equal(dust.binary(0.5), dust.binary())
        assert (np.diff(dust.grey) >= 0).all()
        assert (dust.grey[0, 0], dust.grey[0, -1]) == (0, 1)
        above = dust.binary() & (opacity < 1)
        odds = opacity[above] / (1 - opacity[above]) * (1 - threshold) / threshold
        assert np.abs(dust.grey[above] - odds / (1 + odds)).max() < 1e-5
        assert np.abs(dust.opacity - opacity)[above].max() < 1e-3


def test_the_scale_travels_with_the_mask_and_old_masks_have_none(tmp_path):
    dust = dustbust.DustMask.of_opacity(np.full((3, 4), 0.2, np.float32), 0.05)
    dust.save(tmp_path / "mask.png")
    assert dustbust.DustMask.load(tmp_path / "mask.png").scale == 0.05
    old = dustbust.DustMask.from_extra(np.zeros((4, 4)), archive({"header.json": HEADER}))
    assert old.scale == 0.5
    with pytest.raises(ValueError, match="scale must be between 0 and 1"):
        dustbust.DustMask(dust.grey, 0.5, scale=1.0)


@pytest.mark.parametrize("method", ["", "sum"])
def test_grey_that_is_not_on_a_scale_keeps_all_steps(method):
    steps = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    dust = dustbust.DustMask(steps, 0.5, method=method)
    assert np.array_equal(dust.grey, steps / np.float32(65535))


@pytest.mark.parametrize("mode", ["I;16", "L"])
def test_mask_that_another_program_saved_again_is_the_same_mask(tmp_path, mode):
    """So are masks of earlier versions, whose rows Pillow filtered."""
    rng = np.random.default_rng(3)
    values = np.cumsum(rng.integers(0, 3, (20, 30)), axis=1).astype(np.uint8)
    dust = dustbust.DustMask(values / np.float32(255), 0.1, "light", "opacity")
    grey = values if mode == "L" else np.rint(dust.grey * 65535).astype(np.uint16)
    extra = PngImagePlugin.PngInfo()
    extra.add(b"duSt", dust.extra())
    Image.fromarray(grey).save(tmp_path / "mask.png", pnginfo=extra)
    again = dustbust.DustMask.load(tmp_path / "mask.png")
    assert (again.threshold, again.method) == (dust.threshold, "opacity")
    assert np.array_equal(again.binary(), dust.binary())
    assert np.abs(again.grey - dust.grey).max() < 1 / 1023


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_mask_with_a_damaged_picture_is_refused(tmp_path, at):
    steps = np.random.default_rng(4).integers(0, 65536, (40, 30), np.uint16)
    dustbust.DustMask(steps, 0.25).save(tmp_path / "mask.png")
    data = bytearray((tmp_path / "mask.png").read_bytes())
    begin = data.index(b"IDAT")
    place = begin + int((len(data) - begin) * at)
    data[place] ^= 0x55
    (tmp_path / "mask.png").write_bytes(data)
    with pytest.raises(dustbust.DustbustError, match=r"mask\.png: is a damaged"):
        dustbust.DustMask.load(tmp_path / "mask.png")


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_any_picture_serves_as_a_mask_with_white_as_dust(tmp_path, mode):
    white = np.zeros((6, 8), bool)
    white[2:4, 3:6] = True
    picture = (
        Image.fromarray(white.astype(np.uint16) * 65535)
        if mode == "I;16"
        else Image.fromarray(white.astype(np.uint8) * 255).convert(mode)
    )
    picture.save(tmp_path / "mask.png")
    assert np.array_equal(dustbust.DustMask.load(tmp_path / "mask.png").binary(), white)


def test_jpeg_serves_as_a_mask(tmp_path):
    white = np.zeros((32, 32), np.uint8)
    white[8:24, 8:24] = 255
    Image.fromarray(white).save(tmp_path / "mask.jpg")
    assert np.array_equal(dustbust.DustMask.load(tmp_path / "mask.jpg").binary(), white > 0)


def test_photograph_is_not_taken_for_a_mask(tmp_path):
    with pytest.raises(
        dustbust.DustbustError, match=r"frame01\.jpg: has colours, but a mask is black and white"
    ):
        dustbust.DustMask.load(Path(__file__).parents[1] / "samples" / "run" / "frame01.jpg")


def test_transparent_white_is_no_dust(tmp_path):
    Image.fromarray(np.full((4, 4, 4), (255, 255, 255, 0), np.uint8)).save(tmp_path / "mask.png")
    assert not dustbust.DustMask.load(tmp_path / "mask.png").binary().any()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda extra: extra[: len(extra) // 2], "damaged"),
        (lambda extra: b"", "damaged"),
        (
            lambda extra: dustbust.DustMask(np.zeros((5, 5)), 0.5).extra(),
            "belongs to a mask of 5 x 5",
        ),
        (lambda extra: archive({"header.json": b"[]"}), "damaged"),
        (
            lambda extra: archive({"header.json": HEADER.replace(b"0.5", b"7")}),
            "entries are not those",
        ),
        (lambda extra: archive({"header.json": b"0" * (65 << 20)}), "larger than a mask"),
    ],
)
def test_what_a_mask_carries_is_checked(change, sentence):
    grey = np.zeros((4, 4), np.float32)
    with pytest.raises(dustbust.DustbustError, match=sentence):
        dustbust.DustMask.from_extra(grey, change(dustbust.DustMask(grey, 0.5).extra()))


def test_a_larger_mask_may_carry_a_larger_model(monkeypatch):
    monkeypatch.setattr(mask_file, "LARGEST_HEADER", 1000)
    grey = np.zeros((100, 100), np.float32)
    model = {"where": np.zeros(20_000, np.uint8)}
    dust = dustbust.DustMask(grey, 0.5, model=model)
    found = dustbust.DustMask.from_extra(grey, dust.extra())
    assert np.array_equal(found.model["where"], model["where"])
    dust.model["where"] = np.zeros(900_000, np.uint8)
    with pytest.raises(dustbust.DustbustError, match="larger than a mask"):
        dustbust.DustMask.from_extra(grey, dust.extra())


def test_pickles_are_not_opened():
    content = io.BytesIO()
    np.save(content, np.array([{}], object), allow_pickle=True)
    extra = archive({"header.json": HEADER, "where.npy": content.getvalue()})
    with pytest.raises(dustbust.DustbustError, match="damaged"):
        dustbust.DustMask.from_extra(np.zeros((4, 4)), extra)


def header(**changes):
    return archive({"header.json": json.dumps({**json.loads(HEADER), **changes}).encode()})


def npy(description, content=b""):
    """A .npy file with this text in its header."""
    text = description.ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + content


def encrypted(extra):
    """The same archive, in which all entries are marked as encrypted."""
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        begin = extra.index(signature)
        extra = extra[: begin + at] + b"\1" + extra[begin + at + 1 :]
    return extra


@pytest.mark.parametrize(
    "extra",
    [
        encrypted(archive({"header.json": HEADER})),
        archive({"header.json": HEADER}, zipfile.ZIP_BZIP2),
        archive({"header.json": HEADER}, zipfile.ZIP_LZMA),
        header(frames=["a\0b.jpg"]),
        header(frames=["\ud800.jpg"]),
        header(frames=[5]),
        header(report={"warnings": 5}),
        header(report={"warnings": [5]}),
        header(report={"particles": 5}),
        header(report={"particles": None}),
        header(report={"particles": [5]}),
        header(report={"particles": [["a", 1]]}),
        header(report=[]),
        archive(
            {
                "header.json": HEADER,
                "where.npy": npy(
                    b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"-" * 9000 + b"1,)}"
                ),
            }
        ),
    ],
)
def test_a_mask_from_a_stranger_is_refused_with_a_sentence(extra):
    with pytest.raises(dustbust.DustbustError, match="damaged"):
        dustbust.DustMask.from_extra(np.zeros((4, 4)), extra)


@pytest.mark.parametrize(
    "name", ["where", "core", "density", "error", "share", "dark", "responses"]
)
def test_a_model_of_other_arrays_is_refused_with_a_sentence(name):
    """What a mask knows of its dust comes from its file, and is checked before it is used."""
    where = np.zeros((4, 5), bool)
    where[1:3, 1:4] = True
    core = np.zeros((4, 5), bool)
    core[1, 2] = True
    few, one = np.full(6, 0.3, np.float32), np.ones(1, np.float32)
    packed = DustModel(where, core, few, few / 10, one, np.zeros(1, bool)).pack()
    assert DustModel.unpack(packed, (4, 5)) is not None
    array = packed[name]
    for other in (
        array[:0],
        array.astype(np.uint32),
        array.astype(np.float32),
        array[None],
    ):
        with pytest.raises(dustbust.DustbustError, match="what the mask knows of its dust"):
            DustModel.unpack({**packed, name: other}, (4, 5))


def test_part_of_a_mask_keeps_what_is_inside():
    dust = dustbust.estimate_mask(FRAMES)
    model = DustModel.unpack(dust.model, dust.grey.shape)
    y, x = np.argwhere(model.core)[0]
    rows, columns = slice(max(y - 60, 0), y + 60), slice(max(x - 60, 0), x + 60)
    part = dust.part(rows, columns)
    assert np.array_equal(part.grey, dust.grey[rows, columns])
    inside = DustModel.unpack(part.model, part.grey.shape)
    assert 0 < inside.where.sum() <= model.where[rows, columns].sum()
    assert not (inside.where & ~model.where[rows, columns]).any()


def test_part_of_a_mask_without_a_model_has_none():
    part = dustbust.DustMask(np.eye(9, dtype=np.float32), 0.5).part(np.s_[:3], np.s_[:4])
    assert part.grey.shape == (3, 4)
    assert part.model == {}
