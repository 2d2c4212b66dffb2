"""Layers that lie anywhere on the canvas of a mask, and plans of runs in several folders."""

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust import DustbustError
from dustbust.helper.apply import clean_layer, place_on_canvas, plan_files


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "offset", [(0, 0), (1, 2), (-1, -2), (5, -3), (-4, 3), (6, 4), (-6, 0), (0, -4)]
)
def test_each_pixel_of_a_layer_is_at_its_place_of_the_canvas(offset, channels):
    rng = np.random.default_rng(1)
    layer, size = rng.integers(1, 255, (5, 7, channels)).astype(np.uint8), (5, 7)
    canvas, part, whole = place_on_canvas(layer, offset, size, "scan")
    colours = channels - (channels in (2, 4))
    assert canvas.shape == (5, 7, colours + 1)
    seen = 0
    for y, x in np.ndindex(size):
        row, column = y - offset[1], x - offset[0]
        if 0 <= row < 5 and 0 <= column < 7:
            seen += 1
            pixel = [*layer[row, column], 255][: colours + 1]
            assert canvas[y, x].tolist() == pixel
        else:
            assert not canvas[y, x].any()
    assert np.array_equal(canvas[whole][..., :channels], layer[part])
    assert canvas[whole].shape[0] * canvas[whole].shape[1] == seen


@pytest.mark.parametrize("offset", [(7, 0), (-7, 0), (0, 5), (0, -5), (9, 9)])
def test_a_layer_that_ends_where_the_canvas_begins_is_outside(offset):
    with pytest.raises(DustbustError, match="scan: lies outside"):
        place_on_canvas(np.ones((5, 7, 1), np.uint8), offset, (5, 7), "scan")


@pytest.mark.parametrize("offset", [[0, 0], [6, -3]])
def test_the_mask_of_a_layer_of_its_size_lies_on_it_wherever_the_layer_lies(offset):
    layer = np.full((40, 50, 3), 90, np.uint8)
    dust = np.zeros((40, 50), np.float32)
    dust[20:23, 30:33] = 1
    layer[20:23, 30:33] = 255
    mask = dustbust.DustMask(dust, 0.5)
    expected = dustbust.apply_mask(layer, mask, method="fill")
    assert expected.max() < 255
    done = clean_layer(layer, mask, "fill", offset, [50, 40], "scan", 1)
    assert np.array_equal(layer, expected)
    assert done["parts"] == [[0, 0, 50, 40]]
    assert np.array_equal(done["changed"], dust > 0)


def test_the_cleaned_files_go_to_the_folder_of_the_first_one(tmp_path):
    files = [tmp_path / "a" / "1.png", tmp_path / "b" / "2.png"]
    for file in files:
        file.parent.mkdir()
        Image.new("L", (9, 9)).save(file)
    dust = dustbust.DustMask(np.eye(9, dtype=np.float32), 0.5)
    wanted = {"dust": dust, "review": None, "folder": "clean", "method": "fill"}
    plan = plan_files(files, None, None, None, **wanted)
    assert (plan["folder"], plan["new"]) == (tmp_path / "a" / "clean", 2)
    (tmp_path / "b" / "clean").write_text("in nobody's way")
    assert plan_files(files, None, None, None, **wanted)["new"] == 2
    (tmp_path / "a" / "clean").write_text("in the way")
    with pytest.raises(DustbustError, match="clean: cannot be written to"):
        plan_files(files, None, None, None, **wanted)
