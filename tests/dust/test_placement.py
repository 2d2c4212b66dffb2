"""Placements travel with the mask, and what a stranger put into a file is checked."""

import io
import json
import zipfile

import numpy as np
import pytest

from dustbust import DustbustError, DustMask
from dustbust.dust.placement import Placement, placements_of, rows_of

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
