"""Decoded scans wait in files without names."""

import tempfile

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.files.spool import Spool


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pictures_come_back_as_they_were(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rng = np.random.default_rng(2)
    pictures = [(rng.random(shape) * 255).astype(dtype) for shape in ((5, 7), (4, 6, 3), (3, 9))]
    with Spool() as spool:
        for number, picture in enumerate(pictures):
            spool.add(picture[::-1, ::-1], on_disk=number != 1)
        spool.move_to_front(2)
        assert len(spool) == 3
        assert spool.shapes == [(3, 9), (5, 7), (4, 6, 3)]
        for index, picture in zip((1, 2, 0), pictures, strict=True):
            assert np.array_equal(spool[index], picture[::-1, ::-1])
            assert spool[index].dtype == dtype
        assert not list(tmp_path.iterdir())


def test_a_folder_without_room_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with Spool() as spool, pytest.raises(DustbustError, match=r"gone: has no room.* set TMPDIR"):
        spool.add(np.zeros((3, 3), np.uint8), on_disk=True)


def test_a_picture_that_is_not_on_disk_is_the_array_itself():
    picture = np.zeros((3, 3), np.uint8)
    with Spool() as spool:
        spool.add(picture, on_disk=False)
        assert spool[0] is picture
