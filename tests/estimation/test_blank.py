"""A blank reference tells the dust: one scan of the empty glass and one frame are enough."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from dustbust import DustbustError, DustMask, apply_mask, estimate_mask
from dustbust.__main__ import main
from dustbust.estimation.blank import _is_inverted
from helpers import film_scans


def blank_of(transmittance, seed=99, white=0.9, gamma=2.2, noise=0.006):
    """A scan of the empty glass: uneven light, noise, 8 bit, gamma-encoded."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: transmittance.shape[0], : transmittance.shape[1]]
    light = white - 0.1 * ((x / x.max() - 0.5) ** 2 + (y / y.max() - 0.4) ** 2)
    light = np.clip(light * transmittance + rng.normal(0, noise, transmittance.shape), 0, 1)
    return (255 * light ** (1 / gamma) + 0.5).astype(np.uint8)


def average_precision(grey, truth, ignore):
    order = np.argsort(-grey[~ignore], kind="stable")
    hits = np.cumsum(truth[~ignore][order])
    precision, recall = hits / np.arange(1, hits.size + 1), hits / hits[-1]
    return float(np.sum(precision * np.diff(recall, prepend=0)))


def gain(dust, dusty, clean, where):
    """By how many dB the frames come nearer to the truth in the dust."""
    before, after = (
        np.mean(
            [film_scans.rms(frame, truth, where) for frame, truth in zip(a, clean, strict=True)]
        )
        for a in (dusty, [apply_mask(frame, dust) for frame in dusty])
    )
    return 20 * np.log10(before / after)


@pytest.mark.parametrize("film", film_scans.FILMS)
def test_one_blank_and_one_frame_do_what_a_run_of_twenty_does(film):
    passing, _ = film_scans.particles(3)
    dusty, clean = film_scans.run(film, 20, passing)
    polarity = "dark" if film == "slide" else "light"
    by_run = estimate_mask(dusty, polarity=polarity)
    by_blank = estimate_mask(dusty[:1], blank=blank_of(passing), polarity="auto")
    truth, ignore = passing < 0.88, (passing >= 0.88) & (passing < 0.97)
    assert by_blank.polarity == polarity
    assert average_precision(by_blank.grey, truth, ignore) > 0.99
    where = passing < 0.95
    gains = [gain(dust, dusty[1:9], clean[1:9], where) for dust in (by_blank, by_run)]
    assert gains[0] > gains[1] - 1.5
    assert gains[0] > 8


def test_several_blanks_are_less_noisy_and_a_fly_in_one_of_them_does_not_count():
    passing, _ = film_scans.particles(3)
    dusty, _ = film_scans.run("gamma", 1, passing)
    blanks = [blank_of(passing, seed, noise=0.02) for seed in range(4)]
    free = np.argwhere(passing[8:-8, 8:-8] == passing.max())[0] + 8
    y, x = free
    blanks[2][y - 2 : y + 3, x - 2 : x + 3] = 20
    one, four = (estimate_mask(dusty, blank=blank) for blank in (blanks[0], blanks))
    assert four.report["noise"] < 0.7 * one.report["noise"]
    assert not four.binary()[y, x]


def test_a_blank_that_was_inverted_with_the_frames_serves_as_well():
    passing, _ = film_scans.particles(3)
    dusty, _ = film_scans.run("gamma", 1, passing)
    masks = [estimate_mask(dusty, blank=b) for b in (blank_of(passing), 255 - blank_of(passing))]
    truth, ignore = passing < 0.88, (passing >= 0.88) & (passing < 0.97)
    for mask in masks:
        assert average_precision(mask.grey, truth, ignore) > 0.98


def test_a_clean_glass_gives_an_empty_mask():
    dusty, _ = film_scans.run("gamma", 1, np.ones(film_scans.SHAPE))
    dust = estimate_mask(dusty, blank=blank_of(np.ones(film_scans.SHAPE)))
    assert not dust.binary().any()
    assert "No dust" in dust.warnings[0]
    assert np.array_equal(apply_mask(dusty[0], dust), dusty[0])


def test_a_blank_of_another_day_is_reported():
    dusty, _ = film_scans.run("gamma", 3, np.ones(film_scans.SHAPE))
    dust = estimate_mask(dusty, blank=blank_of(film_scans.particles(3)[0]))
    assert "of the blank's dust is in the frames" in dust.warnings[0]


def test_a_blank_of_another_size_is_refused_by_name():
    dusty, _ = film_scans.run("gamma", 1, np.ones(film_scans.SHAPE))
    with pytest.raises(DustbustError, match="is 100 x 160, but the frames are 200 x 160"):
        estimate_mask(dusty, blank=np.zeros((160, 100), np.uint8))
    with pytest.raises(TypeError, match="no option blank"):
        estimate_mask(dusty, blank=dusty, method="sum")


@pytest.mark.parametrize("where", ["fourth channel", "second page", "planes"])
def test_the_infrared_plane_of_a_frame_is_its_blank(tmp_path, where):
    passing, _ = film_scans.particles(3)
    (dusty,), _ = film_scans.run("gamma", 1, passing)
    noise = np.random.default_rng(1).normal(0, 0.006, passing.shape)
    # Film is nearly clear in infrared; a little of the picture shines through.
    clear = 0.8 - 0.05 * film_scans.blurred(dusty / 255.0, 3)
    infrared = (65535 * np.clip(clear * passing + noise, 0, 1)).astype(np.uint16)
    rgb = np.repeat(dusty[..., None].astype(np.uint16) * 257, 3, axis=2)
    path = tmp_path / "frame.tif"
    if where == "second page":
        with tifffile.TiffWriter(path) as file:
            file.write(rgb, photometric="rgb", metadata=None)
            file.write(rgb[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
            file.write(infrared, photometric="minisblack", metadata=None)
    else:
        values = np.dstack([rgb, infrared])
        planar = "separate" if where == "planes" else "contig"
        values = np.ascontiguousarray(np.moveaxis(values, 2, 0)) if where == "planes" else values
        tifffile.imwrite(
            path,
            values,
            photometric="rgb",
            planarconfig=planar,
            extrasamples=["unspecified"],
            metadata=None,
        )
    dust = estimate_mask([dusty], blank=path)
    truth, ignore = passing < 0.88, (passing >= 0.88) & (passing < 0.97)
    assert average_precision(dust.grey, truth, ignore) > 0.97


def test_blank_on_the_command_line(tmp_path, capsys):
    passing, masks = film_scans.particles(3)
    (dusty,), _ = film_scans.run("gamma", 1, passing)
    for name, picture in (("frame.png", dusty), ("glass.png", blank_of(passing))):
        Image.fromarray(picture).save(tmp_path / name)
    mask = tmp_path / "mask.png"
    command = ["estimate", str(tmp_path / "frame.png"), "--blank", str(tmp_path / "glass.png")]
    assert main([*command, "-o", str(mask)]) == 0
    assert "particles of light dust" in capsys.readouterr().out
    assert len(DustMask.load(mask).particles) == pytest.approx(len(masks), abs=2)


@pytest.mark.parametrize(
    ("level", "dust", "inverted"),
    [(0.2, 0.8, True), (0.8, 0.2, False), (0.4, 0.1, False), (0.7, 0.95, False)],
)
def test_a_blank_is_inverted_if_its_dust_is_lighter_than_a_dark_glass(level, dust, inverted):
    light = np.random.default_rng(1).normal(level, 0.005, (200, 300)).astype(np.float32)
    light[50:70, 60:80] = dust
    assert _is_inverted(light) == inverted
