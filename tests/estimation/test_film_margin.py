"""Film scanned past its edges: holes, print and holders are no dust, dust beside them is."""

import numpy as np
import pytest

import dustbust
from dustbust.estimation.film_borders import find_margin, levels_of
from dustbust.image.arrays import luminance
from helpers import synthetic_run

SHAPE = (360, 540)

# Height and width of the picture, and of a hole; pitch of the holes.
PICTURE, HOLE, PITCH = (256, 408), (26, 24), 57


def film(rng, scene, number, *, upright=False, base=0.06, light=0.97):
    """A frame of film, its picture and its holes: luminance, and bool arrays."""
    shape = SHAPE[::-1] if upright else SHAPE
    plane, holes, inside = np.full(shape, base), np.zeros(shape, bool), np.zeros(shape, bool)
    down, right = (int(v) for v in np.rint(rng.normal(0, 2, 2)).clip(-5, 5))
    long, across = (1, 0) if not upright else (0, 1)
    first = [(shape[axis] - PICTURE[:: -1 if upright else 1][axis]) // 2 for axis in (0, 1)]
    height, width = PICTURE[::-1] if upright else PICTURE
    top, left = first[0] + down, first[1] + right
    plane[top : top + height, left : left + width] = scene[:height, :width]
    inside[top : top + height, left : left + width] = True
    shift = (down, right)[long] + number * 7 % 11
    for start in range(-PITCH, shape[long] + PITCH, PITCH):
        for edge in (12, shape[across] - 12 - HOLE[0]):
            at = [0, 0]
            at[long], at[across] = start + shift, edge + (down, right)[across]
            size = [0, 0]
            size[long], size[across] = HOLE[1], HOLE[0]
            rows, columns = (
                slice(max(at[axis], 0), max(at[axis] + size[axis], 0)) for axis in (0, 1)
            )
            holes[rows, columns] = True
    plane[holes] = light
    return plane, inside, holes


def run(seed, polarity, frames=10, **how):
    """Frames of film with dust, uint8; their pictures and holes; the opacity of the dust."""
    rng = np.random.default_rng(seed)
    shape = SHAPE[::-1] if how.get("upright") else SHAPE
    opacity = synthetic_run.dust(rng, shape, specks=60, hairs=8)
    shown = []
    for number in range(frames):
        scene = synthetic_run.picture(rng, shape)
        plane, inside, holes = film(rng, scene, number, **how)
        plane = plane + rng.normal(0, 0.01, shape)
        dusty = plane + opacity * ((polarity == "light") - plane)
        to8 = [np.rint(np.clip(each, 0, 1) * 255).astype(np.uint8) for each in (plane, dusty)]
        shown.append((*to8, inside, holes))
    return shown, opacity


KINDS = {
    "slide": ("dark", {}),
    "copy of a print": ("light", {}),
    "portrait": ("dark", {"upright": True}),
    "dark holes": ("light", {"base": 0.75, "light": 0.02}),
}


def grown(mask, px):
    """A mask and what is beside it, in a square."""
    for axis in (0, 1):
        mask = np.logical_or.reduce([np.roll(mask, step, axis) for step in range(-px, px + 1)])
    return mask


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_no_dust_and_dust_beside_them_is(kind):
    polarity, how = KINDS[kind]
    shown, opacity = run(2, polarity, **how)
    mask = dustbust.estimate_mask([dusty for _, dusty, _, _ in shown], polarity=polarity)
    assert mask.warnings == ()
    marked, dusty_at = mask.binary(), opacity > 0.15
    always = np.logical_and.reduce([inside for _, _, inside, _ in shown])
    inner = ~grown(~always, 6)
    assert marked[inner & dusty_at].mean() > 0.95
    # At holes and edges nothing but dust is marked.
    beside = np.logical_or.reduce([~inside for _, _, inside, _ in shown])
    assert not (marked & grown(beside, 2) & ~grown(opacity > 0, 3)).any()
    for clean, dusty, inside, holes in shown:
        result = dustbust.apply_mask(dusty, mask)
        changed = result != dusty
        assert not (changed & ~grown(opacity > 0, 8) & grown(~inside, 2)).any()
        # What does not show this dust stays as it is: dark film, or light holes.
        unseen = holes if kind == "copy of a print" else ~inside & ~holes
        assert not changed[unseen].any()
        at = dusty_at & ~grown(~inside, 3) & inner
        before, after = (
            np.mean((picture[at].astype(float) - clean[at]) ** 2) for picture in (dusty, result)
        )
        assert 10 * np.log10(before / after) > 20


def test_dust_on_the_light_of_a_hole_is_removed():
    shown, opacity = run(4, "dark")
    mask = dustbust.estimate_mask([dusty for _, dusty, _, _ in shown], polarity="dark")
    before, after = [], []
    for clean, dusty, _, holes in shown:
        at = (opacity > 0.2) & ~grown(~holes, 3) & mask.binary()
        result = dustbust.apply_mask(dusty, mask)
        before.append(np.mean((dusty[at].astype(float) - clean[at]) ** 2))
        after.append(np.mean((result[at].astype(float) - clean[at]) ** 2))
    assert 10 * np.log10(np.mean(before) / np.mean(after)) > 10


def test_the_margin_travels_with_the_mask(tmp_path):
    shown, _ = run(5, "dark")
    mask = dustbust.estimate_mask([dusty for _, dusty, _, _ in shown], polarity="dark")
    mask.save(tmp_path / "mask.png")
    loaded = dustbust.DustMask.load(tmp_path / "mask.png")
    dusty = shown[0][1]
    assert np.array_equal(dustbust.apply_mask(dusty, loaded), dustbust.apply_mask(dusty, mask))
    loaded.model["margin_zone"] = loaded.model["margin_zone"][:-9]
    with pytest.raises(dustbust.DustbustError, match="damaged"):
        dustbust.apply_mask(dusty, loaded)


def test_a_frame_with_alpha_is_cleaned_as_one_without():
    shown, _ = run(6, "dark")
    mask = dustbust.estimate_mask([dusty for _, dusty, _, _ in shown], polarity="dark")
    dusty = shown[2][1]
    alpha = np.dstack([dusty, np.full_like(dusty, 255)])
    assert np.array_equal(
        dustbust.apply_mask(alpha, mask)[..., 0], dustbust.apply_mask(dusty, mask)
    )


def margin_of(planes):
    sizes = {number: plane.shape for number, plane in enumerate(planes)}
    levels = {number: levels_of(plane, None) for number, plane in enumerate(planes)}
    return find_margin(levels, sizes, {}, planes[0].shape, "dark")


def test_pictures_have_no_margin():
    frames, _ = synthetic_run.run(7, 10, shape=SHAPE)
    assert margin_of([luminance(frame) for frame in frames]) is None


def test_a_border_of_one_level_is_no_margin():
    rng = np.random.default_rng(8)
    planes = []
    for _ in range(6):
        plane = np.full(SHAPE, 0.03, np.float32)
        plane[50:-50, 60:-60] = synthetic_run.picture(rng, SHAPE)[50:-50, 60:-60]
        planes.append(plane)
    assert margin_of(planes) is None


def dark_corners(rng, plane, y, x):
    """Three dark corners, in steps as steep as those of a lens hood; a lamp shines in one."""
    for top, left in ((0, 0), (0, 1), (1, 0)):
        far = np.hypot((y - top) / 0.5, (x - left) / 0.6)
        plane[far < rng.uniform(0.9, 1.1)] = 0.03
    plane[(y < 0.16) & (x < 0.14)] = 0.98


def skies(rng, plane, y, x):
    """A clipped sky over hills, trees in black before it, black ground."""
    hills = rng.uniform(0.3, 0.5) + 0.15 * np.sin(
        2 * np.pi * (x * rng.uniform(1, 3) + rng.random())
    )
    plane[y < hills] = 1
    trunks = np.abs((x * 8 + rng.random()) % 1 - 0.5) < 0.2
    plane[trunks & (y < hills)] = 0.02
    plane[y > 0.9 + 0.08 * np.sin(9 * x + rng.uniform(0, 6))] = 0.02


def sea(rng, plane, y, x):
    """A straight horizon: a clipped sky above it in some frames, a black one in others."""
    plane[y < 0.3] = 1 if rng.integers(3) else 0.02
    plane[y > 0.8] = 0.02


def night(rng, plane, y, x):
    """A lit house in the dark, lamps around it."""
    (top, left), (height, width) = rng.uniform(0.05, 0.5, 2), rng.uniform(0.35, 0.55, 2)
    plane[(y < top) | (y > top + height) | (x < left) | (x > left + width)] = 0.01
    for _ in range(60):
        plane[np.hypot(y - rng.random(), 1.5 * (x - rng.random())) < 0.025] = 1


def wall(rng, plane, y, x):
    """A white wall around a person, pictures in black frames on it."""
    outside = np.hypot((y - rng.uniform(0.6, 0.8)) / 0.6, (x - rng.uniform(0.4, 0.6)) / 0.25) > 1
    plane[outside] = 0.97
    for _ in range(8):
        top, left = rng.uniform(0, 0.3), rng.random()
        plane[outside & (abs(y - top) < 0.1) & (abs(x - left) < 0.06)] = 0.03


def page(rng, plane, y, x):
    """Black print on white, up to the edges of the frame."""
    plane[:] = 1
    plane[((y * 30) % 1 < 0.5) & (rng.random(plane.shape) < 0.4)] = 0


@pytest.mark.parametrize("frames", [5, 8])
@pytest.mark.parametrize("scene", [dark_corners, skies, sea, night, wall, page])
def test_what_is_level_at_the_edges_of_pictures_is_no_margin(scene, frames):
    rng = np.random.default_rng(9)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] / np.array(SHAPE).reshape(2, 1, 1)
    planes = []
    for _ in range(frames):
        plane = synthetic_run.picture(rng, SHAPE)
        scene(rng, plane, y, x)
        planes.append((plane + rng.normal(0, 0.01, SHAPE)).clip(0, 1).astype(np.float32))
    # They would be taken for one if it were enough that the same blocks are level in most frames.
    levels = [levels_of(plane, None) for plane in planes]
    assert np.mean(np.sum([each > 0 for each in levels], 0) >= 0.75 * frames) > 0.03
    assert margin_of(planes) is None


@pytest.mark.parametrize("frames", [3, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_film_has_a_margin(kind, frames):
    polarity, how = KINDS[kind]
    shown, _ = run(10, polarity, frames, **how)
    margin = margin_of([dusty.astype(np.float32) / 255 for _, dusty, _, _ in shown])
    always = np.logical_and.reduce([~inside for _, _, inside, _ in shown])
    assert margin is not None
    assert margin.zone[always].mean() > 0.95
    assert not (margin.zone & ~grown(always, 24)).any()


def test_holes_are_no_dust_also_if_the_polarity_is_not_given():
    """Holes that move a little from frame to frame, as the film does, over dust on the glass."""
    rng, shape = np.random.default_rng(9), (300, 440)
    dust = np.zeros(shape, bool)
    for y, x in zip(rng.integers(70, 230, 20), rng.integers(80, 360, 20), strict=True):
        dust[y : y + 4, x : x + 4] = True
    frames, holes = [], np.zeros(shape, bool)
    for number in range(10):
        frame = np.full(shape, 0.06)
        down, right = (int(moved) for moved in np.rint(rng.normal(0, 2, 2)))
        coarse = rng.random((20, 30))
        scene = np.kron(coarse, np.ones((10, 11)))[:196, :320]
        frame[52 + down : 248 + down, 60 + right : 380 + right] = 0.2 + 0.5 * scene
        for left in range(5 + right + number * 7 % 11, 420, 50):
            for top in (14 + down, 262 + down):
                frame[top : top + 24, left : left + 20] = 0.97
                holes[top : top + 24, left : left + 20] = True
        frame += rng.normal(0, 0.01, shape)
        frame[dust] += 0.7 * (1 - frame[dust])
        frames.append(np.rint(255 * np.clip(frame, 0, 1)).astype(np.uint8))
    mask = dustbust.estimate_mask(frames)
    marked = mask.binary()
    assert mask.polarity == "light"
    assert marked[dust].mean() > 0.7
    assert (marked & holes & ~dust).mean() < 0.001
