"""The passes of the method "opacity": what they ask of the frames, and what they prepare."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

import dustbust
from dustbust.dust.model import DustModel
from dustbust.estimation import opacity_method
from dustbust.estimation.opacity_method import FirstPass, SecondPass, clearly_shown, kinds_of
from helpers import synthetic_run

SHAPE = (240, 320)  # blocks of 4 px


@pytest.mark.parametrize(
    ("light", "dark", "kind"),
    [(30, 90, None), (29.9, 90, "dark"), (91, 30, "light"), (60, 90, None), (0, 1, "dark")],
)
def test_a_kind_of_dust_that_shows_more_than_three_times_as_clearly_is_looked_for(
    light, dark, kind
):
    assert clearly_shown({"light": light, "dark": dark}) == kind
    assert clearly_shown({"light": 0, "dark": 0}) is None


def test_one_kind_of_dust_is_looked_for_if_its_polarity_is_given():
    assert kinds_of("light") == ("light",)
    assert kinds_of("dark") == ("dark",)
    assert kinds_of("both") == kinds_of("auto") == ("light", "dark")


@pytest.fixture(scope="module")
def run():
    return synthetic_run.run(41, 34, shape=(80, 120), specks=8, hairs=0)[0]


@pytest.mark.parametrize(
    ("frames", "asked", "looks"), [(34, None, 81), (14, None, 43), (14, 9, 37), (6, None, 23)]
)
def test_each_look_at_a_frame_moves_the_progress_alike(run, frames, asked, looks, monkeypatch):
    """Five frames show whether they lie on each other. Then those that are asked first are looked
    at, up to ten of them twice more, and the others once more."""
    if asked:  # otherwise 32
        monkeypatch.setattr(opacity_method, "FRAMES_ASKED_FIRST", asked)
    said = []
    dustbust.estimate_mask(run[:frames], progress=lambda *each: said.append(each[0]))
    assert len(said) == looks
    assert said == pytest.approx(np.arange(1, looks + 1) / looks)
    assert said[-1] == 1


@pytest.mark.parametrize("kind", ["light", "dark"])
def test_if_no_kind_is_clear_the_stronger_one_is_kept(kind, monkeypatch):
    monkeypatch.setattr(opacity_method, "clearly_shown", lambda clearness: None)
    run, opacity = synthetic_run.run(4, 6, kind, shape=(120, 160), specks=12, hairs=0)
    mask = dustbust.estimate_mask(run)
    assert mask.polarity == kind
    assert mask.binary()[opacity > 0.3].mean() > 0.9
    model = DustModel.unpack(mask.model, opacity.shape)
    labels, _ = model.particles
    is_dark = model.dark[labels][mask.binary()[model.where]]
    assert (is_dark == (kind == "dark")).mean() > 0.9


@pytest.mark.parametrize(("frames", "found"), [(2, False), (3, True)])
def test_three_scenes_tell_dust_from_picture(frames, found):
    rng = np.random.default_rng(4)
    opacity = np.zeros((120, 160))
    opacity[50:55, 60:66] = 0.7
    scenes = [synthetic_run.picture(rng, opacity.shape) for _ in range(frames)]
    run = [synthetic_run.frame(rng, scene, opacity) for scene in scenes]
    mask = dustbust.estimate_mask(run, polarity="light")
    assert mask.report["frames"] == frames
    assert mask.binary()[51:54, 61:65].all() == found
    assert mask.binary().any() == found


def blocks(rows, columns):
    plane = np.full(SHAPE, 0.3, np.float32)
    plane[80 : 80 + 4 * rows, 100 : 100 + 4 * columns] = 0.8
    return plane


def level_of(plane, one):
    """The background that a pass sees in the middle of some blocks."""
    return one.look(plane, None)[2].background[22, 27]


def test_the_second_pass_follows_the_picture_more_closely():
    """The first takes the median of 7 x 7 blocks, the second of 5 x 5."""
    first = FirstPass("light", SHAPE, 1)
    second = SecondPass({}, np.ones(SHAPE, bool), 1)
    digests = opacity_method.DigestPass()
    for rows, columns, levels in (
        (5, 5, (0.8, 0.8)),
        (4, 6, (0.3, 0.8)),
        (4, 4, (0.3, 0.8)),
        (3, 4, (0.3, 0.3)),
    ):
        plane = blocks(rows, columns)
        found = level_of(plane, first), level_of(plane, second)
        assert found == pytest.approx(levels)
        same = first.look(plane, None)[3], digests.look(plane, None)
        assert all(np.array_equal(*each) for each in zip(*map(parts_of, same), strict=True))


def parts_of(digest):
    return list(digest) if isinstance(digest, tuple) else [digest]


def level_run(places, opacity, noise=0.01, frames=8):
    """Level frames with noise, and dust at some places."""
    rng = np.random.default_rng(6)
    for number in range(frames):
        plane = np.float32(0.3 + 0.03 * number + rng.normal(0, noise, SHAPE))
        for (y, x), share in zip(places, opacity, strict=True):
            plane[y : y + 4, x : x + 4] += share * (1 - plane[y : y + 4, x : x + 4])
        yield number, plane


def test_the_background_is_made_away_from_likely_dust_and_from_where_there_is_no_picture():
    first = FirstPass("light", SHAPE, 1)
    places = [(60, 80), (60, 200), (150, 250)]
    for number, plane in level_run(places, (0.3, 0.6, 0.3)):
        first.take(number, first.look(plane, None))
    outside = np.zeros((60, 80), bool)
    outside[:2] = True
    second, likely = first.second(outside)
    centres = [(y + 1, x + 1) for y, x in places]
    assert all(likely[place] for place in centres)
    assert np.count_nonzero(likely) < 100
    # Three quarters of a block of 4 px around it are not used.
    for y, x in centres:
        last = y + np.flatnonzero(~likely[y:, x])[0] - 1
        assert not second.known[y : last + 4, x].any()
        assert second.known[last + 4, x]
    away = ndimage.distance_transform_cdt(~likely, "chessboard")
    assert second.known[8:][away[8:] > 3].all()
    assert not second.known[:8].any()
    assert first.second(0 * outside > 0)[0].known[:8].mean() > 0.9
    assert first.sums["light"].frames == 8


@pytest.mark.parametrize(("deviations", "likely"), [(3.3, False), (4.7, True)])
def test_likely_dust_stands_out_by_four_deviations_and_candidates_by_less(deviations, likely):
    first = FirstPass("light", SHAPE, 1)
    noise = np.random.default_rng(1).normal(0, 0.02, SHAPE).astype(np.float32)
    noise[100, 100] = 0.02 * deviations
    first.sums["light"].denoised = lambda threads: noise
    second, found = first.second(np.zeros((60, 80), bool))
    assert found[100, 100] == likely
    positions = second.evidence["light"].positions
    assert 100 * SHAPE[1] + 100 in positions


def test_of_small_candidates_only_those_that_are_more_likely_dust_than_not_are_measured():
    """Others may be as unlikely as one in 150: log odds of -5."""

    def evidence(*candidates):
        """Places of candidates, their areas, and their log odds."""
        places, area, log_odds = map(np.array, zip(*candidates, strict=True))
        return SimpleNamespace(
            polarity="light",
            area=area,
            is_dust=lambda certainty: log_odds > certainty,
            mask_of=lambda which: np.isin(np.arange(12), places[which])[None],
        )

    second = SecondPass({}, np.ones((1, 12), bool), 1)
    light = [(0, 3, -1), (1, 3, 1), (2, 4, -1), (3, 4, -4.9), (4, 9, -5.1), (5, 9, 20)]
    second.evidence = {"light": evidence(*light), "dark": evidence((5, 9, 1), (9, 9, -1))}
    assert np.flatnonzero(second.likely(4)).tolist() == [1, 2, 3, 5, 9]
    assert np.flatnonzero(second.likely(4.5)).tolist() == [1, 5, 9]
