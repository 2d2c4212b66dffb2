"""Placements travel with the mask, and what a stranger put into a file is checked."""

import io
import json
import zipfile

import numpy as np
import pytest

from dustbust import DustbustError, DustMask
from dustbust.dust.placement import Placement, on_places, placements_of, rows_of

PLACES = (
    Placement((20, 30), 0, (0.0, 3.0), 0.1, 12.5, 2.0),
    Placement((30, 20), 3, (2.0, 0.0), 0.2, 9.0, 1.5),
    Placement((20, 30), 0, (1.0, 1.0), 64.0, placed=False),
)


def mask_with(placements):
    grey = np.zeros((22, 33), np.float32)
    return DustMask(grey, 0.5, frames=("a", "b", "c"), placements=placements)


def test_placements_come_back_from_the_bytes_of_a_mask():
    mask = mask_with(PLACES)
    assert DustMask.from_extra(mask.grey, mask.extra()).placements == PLACES
    assert b"placements" not in zipfile.ZipFile(io.BytesIO(mask_with(()).extra())).read(
        "header.json"
    )


def with_header(extra, change):
    """The bytes of a mask with a changed header."""
    archive = zipfile.ZipFile(io.BytesIO(extra))
    header = json.loads(archive.read("header.json"))
    change(header["placements"])
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        target.writestr("header.json", json.dumps(header))
    return changed.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        lambda placements: placements.update(version=99),
        lambda placements: placements["frames"].pop(),
        lambda placements: placements["frames"][0].pop(),
        lambda placements: placements["frames"][0].__setitem__(0, 0),
        lambda placements: placements["frames"][0].__setitem__(2, 4),
        lambda placements: placements["frames"][0].__setitem__(3, 1e12),
        lambda placements: placements["frames"][0].__setitem__(3, "0"),
        lambda placements: placements["frames"][0].__setitem__(8, 1),
        lambda placements: placements.update(frames={}),
    ],
)
def test_damaged_placements_are_refused(change):
    mask = mask_with(PLACES)
    with pytest.raises(DustbustError, match="damaged"):
        DustMask.from_extra(mask.grey, with_header(mask.extra(), change))


def test_a_mask_has_a_placement_for_each_frame_or_none():
    with pytest.raises(ValueError, match="one for each of the frames"):
        mask_with(PLACES[:2])


def test_rows_are_plain_data():
    rows = json.loads(json.dumps(rows_of(PLACES)))
    assert placements_of(rows, 3) == PLACES


@pytest.mark.parametrize("turns", range(4))
def test_a_frame_on_the_grid_covers_what_it_shows(turns):
    plane = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    place = Placement((3, 4), turns, (1.0, 2.0))
    placed, has_data = place.on_grid(plane, None, (6, 7))
    height, width = place.upright_size
    assert np.array_equal(placed[1 : 1 + height, 2 : 2 + width], np.rot90(plane, -turns))
    assert has_data.sum() == 12
    assert not placed[~has_data].any()


def test_a_placement_says_nothing_unless_it_is_told():
    place = Placement((3, 4))
    assert (place.quarter_turns, place.offset, place.error) == (0, (0, 0), 0)
    assert (place.z, place.ratio, place.placed) == (0, 0, True)


@pytest.mark.parametrize(
    ("place", "covers"),
    [
        (Placement((6, 7)), True),
        (Placement((6, 7), 0, (0.4, -0.4)), True),
        (Placement((6, 7), 2), False),
        (Placement((6, 7), 0, (0.6, 0.0)), False),
        (Placement((6, 7), 0, (0.0, 1.0)), False),
        (Placement((6, 8)), False),
        (Placement((7, 6), 1), False),
    ],
)
def test_a_frame_covers_the_grid_if_it_lies_on_it(place, covers):
    assert place.covers((6, 7)) == covers
    plane = np.ones(place.size, np.float32)
    placed, has_data = place.on_grid(plane, None, (6, 7))
    assert (placed is plane) == covers
    assert placed.shape == (6, 7)
    assert covers <= (has_data is None)


def test_a_frame_beyond_the_grid_is_cut_off():
    for offset, on_grid, in_frame in (
        ((-1, 5), (slice(0, 2), slice(5, 7)), (slice(1, 3), slice(0, 2))),
        ((4, -3), (slice(4, 6), slice(0, 1)), (slice(0, 2), slice(3, 4))),
        ((9, 0), (slice(9, 9), slice(0, 4)), (slice(0, 0), slice(0, 4))),
        ((0, -8), (slice(0, 3), slice(0, 0)), (slice(0, 3), slice(8, 8))),
    ):
        place = Placement((3, 4), 0, tuple(map(float, offset)))
        assert place.window((6, 7)) == (on_grid, in_frame)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_picture_is_pasted_and_taken_back(turns, channels, dtype):
    shape = (3, 4, channels) if channels else (3, 4)
    picture = np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)
    place = Placement((3, 4), turns, (-1.0, 2.0))
    pasted = place.pasted(picture, (6, 7))
    colours = 3 if channels >= 3 else 1
    assert pasted.shape == (6, 7, colours + 1)
    assert pasted.dtype == picture.dtype
    upright = np.rot90(picture if channels else picture[..., None], -turns)[1:, :5]
    there = pasted[: upright.shape[0], 2 : 2 + upright.shape[1]]
    assert np.array_equal(there[..., : upright.shape[2]], upright)
    if channels in (0, 1, 3):
        opaque = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
        assert (there[..., -1] == opaque).all()
    there[...] = 0
    assert not pasted.any()  # outside of the frame, too
    back = place.taken_back(pasted, picture)
    kept = np.rot90(back if channels else back[..., None], -turns)
    assert not kept[1:, :5].any()
    assert np.array_equal(kept[0], np.rot90(picture if channels else picture[..., None], -turns)[0])
    assert picture.all()  # it is a copy


def test_a_placement_is_moved():
    moved = Placement((3, 4), 1, (1.5, 2.0), 0.3).moved((-0.5, 7))
    assert moved == Placement((3, 4), 1, (1.0, 9.0), 0.3)


@pytest.mark.parametrize(
    ("unplaced", "words"), [(5, "5 of 10 frames show too"), (6, "Only 4 of 10")]
)
def test_what_is_said_of_frames_that_are_not_placed(unplaced, words):
    (sentence,) = on_places(10, unplaced)
    assert str(sentence).startswith(words)


def test_rows_have_thousandths():
    (row,) = rows_of([Placement((3, 4), 1, (1.23456, 2.0), 0.0001, 7.77777, 1.5, False)])
    assert row == [3, 4, 1, 1.235, 2.0, 0.0, 7.778, 1.5, False]


@pytest.mark.parametrize(
    ("row", "sound"),
    [
        ([1, (1 << 20) - 1, 3, -5, 7, 0, 1, 2, True], True),
        ([1, 1 << 20, 0, 0, 0, 0, 1, 2, True], False),
        ([0, 5, 0, 0, 0, 0, 1, 2, True], False),
        ([5, 5.0, 0, 0, 0, 0, 1, 2, True], False),
        ([5, 5, -1, 0, 0, 0, 1, 2, True], False),
        ([5, 5, True, 0, 0, 0, 1, 2, True], False),
        ([5, 5, 0, (1 << 20) - 1, 0, 0, 1, 2, True], True),
        ([5, 5, 0, 0, -(1 << 20), 0, 1, 2, True], False),
        ([5, 5, 0, 0, 0, 0, float("nan"), 2, True], False),
        ([5, 5, 0, 0, 0, 0, 1, True, True], False),
        ([5, 5, 0, 0, 0, 0, 1, 2, 1], False),
        ([5, 5, 0, 0, 0, 0, 1, True], False),
        ((5, 5, 0, 0, 0, 0, 1, 2, True), False),
    ],
)
def test_rows_of_a_stranger_must_make_sense(row, sound):
    if sound:
        (place,) = placements_of([row], 1)
        assert [*place.size, place.quarter_turns, *place.offset] == row[:5]
    else:
        with pytest.raises(ValueError, match="a placement"):
            placements_of([row], 1)


def test_there_are_rows_for_all_frames_or_none():
    row = rows_of(PLACES)
    assert placements_of([], 3) == ()
    for rows in (row[:2], {}, "rows"):
        with pytest.raises(ValueError, match="not those of its frames"):
            placements_of(rows, 3)
