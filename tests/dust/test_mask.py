"""A dust mask survives its file."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.dust.model import DustModel

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
        (lambda extra: zipped({"header.json": b"[]"}), "damaged"),
        (
            lambda extra: zipped({"header.json": HEADER.replace(b"0.5", b"7")}),
            "entries are not those",
        ),
        (lambda extra: zipped({"header.json": b"0" * (65 << 20)}), "larger than a mask"),
    ],
)
def test_what_a_mask_carries_is_checked(change, sentence):
    grey = np.zeros((4, 4), np.float32)
    with pytest.raises(dustbust.DustbustError, match=sentence):
        dustbust.DustMask.from_extra(grey, change(dustbust.DustMask(grey, 0.5).extra()))


def test_pickles_are_not_opened():
    content = io.BytesIO()
    np.save(content, np.array([{}], object), allow_pickle=True)
    extra = zipped({"header.json": HEADER, "where.npy": content.getvalue()})
    with pytest.raises(dustbust.DustbustError, match="damaged"):
        dustbust.DustMask.from_extra(np.zeros((4, 4)), extra)


def zipped(entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


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
