"""Round dust whose size changes is found in a run, and told apart from details of pictures."""

import numpy as np
import pytest

from dustbust.dust.profiles import Around, Profile, RoundDust, shown_strengths
from dustbust.estimation import round_dust
from dustbust.estimation.evidence import LOG_DENSITY_STEP, Evidence
from dustbust.estimation.round_dust import ChangingDust, ProfilePass, find_round_dust
from helpers import film_scans

SHAPE = (240, 320)  # with blocks of 4 px


def profile(half_radius, middle, error=0.01):
    """A cone of density."""
    falling = middle * np.linspace(1, 0, 2 * 20 + 1)
    return Profile(np.float32(falling), half_radius / 20, error)


def looked_at(*profiles):
    """A pass that has found these profiles."""
    found = ProfilePass(RoundDust(np.zeros((0, 2), np.float32), np.zeros(0, np.float32), True))
    for number, each in enumerate(profiles):
        found.take(number, (each, []))
    return found


def changes(*sizes):
    """Whether the size changes: of (half radius, density in the middle) of each frame."""
    return looked_at(*(profile(*each) for each in sizes)).size_changes(SHAPE)


def test_shadows_are_significant_and_no_smaller_than_those_of_an_aperture():
    wide, faint, small = profile(6, 0.3), profile(6, 0.03), profile(4.7, 0.3)
    least = profile(4.9, 0.3)
    found = looked_at(wide, faint, small, least)
    assert [each for each, _ in found.significant] == [wide, small, least]
    assert [each for each, _ in found.shadows(SHAPE)] == [wide, least]  # 1.2 blocks are 4.8 px


def test_the_size_changes_if_the_radius_rises_and_the_density_falls():
    # The means of the sharper and the wider third: 6 and 9 px, 0.4 and 0.15.
    sharp, middle, wide = [(5, 0.45), (7, 0.35)], [(7.5, 0.3), (7.5, 0.3)], [(8, 0.2), (10, 0.1)]
    assert changes(*wide, *middle, *sharp)
    assert changes(*sharp, *middle, *wide)
    assert not changes(*sharp, *middle, (8, 0.3), (10, 0.15))


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ([(10, 0.4), (12.9, 0.1)], False),  # a factor of 1.3
        ([(10, 0.4), (13.1, 0.1)], True),
        ([(10, 0.4), (14, 0.21)], False),  # a factor of 2
        ([(10, 0.4), (14, 0.19)], True),
    ],
)
def test_the_least_change_of_size(sizes, found):
    assert changes(*sizes * 3) == found


def test_a_change_needs_four_frames_and_two_thirds_of_those_that_show_anything():
    two = [(6, 0.5), (12, 0.1)]
    assert not changes(*two, (7, 0.3))
    assert changes(*two, *two)
    small = [(3, 0.3)]
    assert changes(*two, *two, *small * 2)
    assert not changes(*two, *two, *small * 3)


def test_passes_over_parts_of_a_run_are_one():
    one, other = looked_at(profile(6, 0.3)), looked_at()
    other.take(5, (profile(7, 0.3), []))
    other.merge(one)
    assert [each.half_radius for each, _ in other.significant] == pytest.approx([6, 7])
    assert other.start().looked == {}
    assert other.start().dust is other.dust


def test_the_opacity_is_that_of_the_sharpest_frame_and_the_strongest_particle():
    sharpest = profile(5, 0.8)
    dust = RoundDust(np.float32([(12, 14), (15.5, 20)]), np.float32([1, 0.5]), True)
    y, x = np.mgrid[:30, :40]
    expected = np.zeros((30, 40))
    for (cy, cx), strength in zip(dust.centres, dust.strength, strict=True):
        density = strength * sharpest.at(np.hypot(y - cy, x - cx))
        expected = np.maximum(expected, 1 - np.exp(-density))
    found = ChangingDust(dust, sharpest).opacity((30, 40))
    assert found.dtype == np.float32
    assert found == pytest.approx(np.rint(expected * 65535) / 65535, abs=1.1 / 65535)


def made_around(shown, strength, error, centre=(0.0, 0.0), other=0.0):
    """Readings of a particle of this profile, and details that it does not explain."""
    y, x = np.mgrid[-14:15, -14:15].reshape(2, -1).astype(np.float32)
    reading = strength * shown.at(np.hypot(y - centre[0], x - centre[1]))
    chequered = np.where((y + x) % 2, other, -other)
    around = Around(y, x, (reading + chequered).astype(np.float32), 1.0)
    return around._replace(deviation=error / shown_strengths([around], shown)[1][0])


def test_the_centre_is_where_the_profiles_explain_most():
    frames = [
        (shown, made_around(shown, strength, 0.1, (1.5, -3)))
        for shown, strength in ((profile(4, 0.5), 1), (profile(6, 0.3), 0.8))
    ]
    assert round_dust._best_offset(frames, (0, 0), 1.5, 5) == (1.5, -3)
    assert round_dust._best_offset(frames, (1, -2), 0.5, 5) == (1.5, -3)
    assert round_dust._best_offset(frames, (1, -2), 0.25, 5) == (1.5, -2.5)
    # A frame counts by its error, and one that shows the contrary does not count.
    shown = profile(4, 0.5)
    clear, unclear = (made_around(shown, 1, error, (0, x)) for error, x in ((0.1, 1), (0.3, -1)))
    assert round_dust._best_offset([(shown, clear), (shown, unclear)], (0, 0), 1, 3) == (0, 1)
    clear_on_the_right = made_around(shown, 1, 0.1, (0, 8))
    strong = made_around(shown, 2, 0.15, (0, -8))  # 13 errors against 10
    both = [(shown, clear_on_the_right), (shown, strong)]
    assert round_dust._best_offset(both, (0, 0), 8, 3) == (0, -8)
    faint = made_around(shown, 0.02, 0.1, (0, 1))
    assert round_dust._best_offset([(shown, faint)], (0, 0), 1, 3) == (0, 1)
    contrary = made_around(shown, -2, 0.1, (0, -1))
    assert round_dust._best_offset([(shown, clear), (shown, contrary)], (0, 0), 1, 3) == (0, 1)


@pytest.mark.parametrize("errors", [(0.1, 0.1), (0.1, 0.2), (0.2, 0.1)])
@pytest.mark.parametrize("middles", [(0.5, 0.5), (0.5, 0.2), (0.2, 0.5)])
def test_of_two_frames_the_one_with_more_errors_tells_the_centre(errors, middles):
    """However strong the profile is in which the readings are measured."""
    for clearness, best in (((10, 9), 8), ((9, 10), -8), ((3, 2), 8), ((2, 3), -8)):
        frames = [
            (shown, made_around(shown, error * errors_away, error, (0, x)))
            for shown, error, errors_away, x in zip(
                (profile(4, middle) for middle in middles), errors, clearness, (8, -8), strict=True
            )
        ]
        assert round_dust._best_offset(frames, (0, 0), 8, 3) == (0, best)


def test_strengths_are_read_at_the_moved_centre():
    shown = profile(5, 0.5)
    frames = [(shown, made_around(shown, strength, 0.1, (2, -1))) for strength in (1, 0.6)]
    strength, error = round_dust._strengths(frames, (2, -1))
    assert strength == pytest.approx([1, 0.6], rel=1e-5)
    assert error == pytest.approx([0.1, 0.1], rel=0.02)


def test_the_explained_share_is_that_of_the_two_clearest_frames():
    shown = profile(5, 0.5)
    inside = shown.at(np.hypot(*np.mgrid[-14:15, -14:15]))
    power = np.mean(inside[inside > 0] ** 2)  # beside a chequered detail of 0.2^2
    frames = [
        (shown, made_around(shown, strength, 0.1, other=other))
        for strength, other in ((0.2, 0.2), (1, 0.2), (1, 0))
    ]
    half = power / (power + 0.04)
    clearness = np.array([1.0, 5, 9])
    assert round_dust._explained(frames, (0, 0), clearness) == pytest.approx(
        (half + 1) / 2, rel=0.02
    )
    assert round_dust._explained(frames, (0, 0), clearness[::-1]) < 0.5 * half + 0.25
    moved = [(shown, made_around(shown, 1, 0.1, (3, 0)))]
    assert round_dust._explained(moved, (3, 0), np.ones(1)) == pytest.approx(1)
    assert round_dust._explained(moved, (0, 0), np.ones(1)) < 0.9


SHOWN = profile(5, 0.5)


def sure(*candidates, frames=None):
    """Which candidates are dust: strengths and errors in each frame, None where it is not read."""
    number = len(candidates[0][0])
    looked = [
        (
            SHOWN,
            [
                None if s[k] is None else made_around(SHOWN, s[k], e[k], *more)
                for s, e, *more in candidates
            ],
        )
        for k in range(number)
    ]
    centres = np.float32([(20 + 40 * n, 50) for n in range(len(candidates))])
    dust = RoundDust(centres, np.ones(len(candidates), np.float32), False, 0.7)
    return round_dust._sure(dust, looked, SHOWN)


@pytest.mark.parametrize(
    ("strengths", "errors", "found"),
    [
        # Beyond doubt: eight times the error of all frames together.
        ([1] * 9, [0.37] * 9, True),
        # Below that, more than 0.6 of the clear frames must show it; clear: half of the strength.
        ([1] * 9, [0.49] * 9, True),
        ([1] * 9, [0.51] * 9, False),
        ([1] * 5 + [0.1], [0.45] * 6, True),
        ([1] * 30, [0.6] * 30, True),
        # Seen are 0.4 of the strength and more, in 0.8 of all weight.
        ([1] * 8 + [0.41] * 4, [0.2] * 12, True),
        ([1] * 8 + [0.39] * 4, [0.2] * 12, False),
        ([1] * 17 + [0] * 4, [0.2] * 21, True),
        ([1] * 15 + [0] * 4, [0.2] * 19, False),
        ([1] * 8 + [0] * 4, [0.2] * 8 + [0.5] * 4, True),
        # Without the clearest frame, four times the error.
        ([1] * 6, [0.1] + [0.55] * 5, True),
        ([1] * 6, [0.1] + [0.57] * 5, False),
        ([1] * 4 + [0.2], [0.1] + [0.2] * 3 + [9.0], True),
    ],
)
def test_dust_has_the_same_strength_in_all_frames(strengths, errors, found):
    dust = sure((strengths, errors))
    assert len(dust.centres) == found
    if found:
        assert dust.strength == pytest.approx([1])
        assert dust.centres == pytest.approx(np.array([(20, 50)]))
        assert (dust.dark, dust.fade) == (False, 0.7)


def test_dust_below_doubt_must_be_seen_in_most_frames_that_would_show_it():
    """Eleven unclear frames show it; of the clear ones, as many as given."""
    unclear = [1] * 11, [0.6] * 11

    def found(seen, unseen):
        shown = [*unclear[0], *[1] * seen, *[0.3] * unseen]
        errors = [*unclear[1], *[0.49] * (seen + unseen)]
        return len(sure((shown, errors)).centres)

    assert found(2, 1)
    assert not found(1, 1)


def test_half_of_the_frames_must_show_the_place():
    assert len(sure(([1] * 6 + [None] * 6, [0.2] * 12)).centres) == 1
    assert len(sure(([1] * 5 + [None] * 6, [0.2] * 11)).centres) == 0


def test_a_detail_that_the_profile_does_not_explain_is_no_dust():
    inside = SHOWN.at(np.hypot(*np.mgrid[-14:15, -14:15]))
    power = np.mean(inside[inside > 0] ** 2)

    def found(explained):
        other = (power * (1 / explained - 1)) ** 0.5
        return len(sure(([1] * 9, [0.2] * 9, (0.0, 0.0), other)).centres)

    assert found(0.33)
    assert not found(0.27)


def test_candidates_are_put_at_their_centres():
    dust = sure(([1] * 9, [0.2] * 9, (3, -3)), ([1] * 9, [0.2] * 9, (0.75, 6)))
    assert dust.centres == pytest.approx(np.array([(23, 47), (60.75, 56)]))
    # Twice 0.6 and twice 0.15 half radii away, and no farther.
    far = sure(([1] * 9, [0.2] * 9, (0, 9)))
    assert far.centres == pytest.approx(np.array([(20, 57.5)]))


def test_of_candidates_that_are_near_each_other_the_clearest_is_kept():
    """1.2 half radii are 6 px. The first two are one particle."""

    def kept(away):
        looked = [
            (SHOWN, [made_around(SHOWN, 1, error) for error in (0.2, 0.1, 0.15)]) for _ in range(9)
        ]
        centres = np.float32([(50, 50), (50, 50 + away), (90, 50)])
        found = round_dust._sure(RoundDust(centres, np.ones(3, np.float32), True), looked, SHOWN)
        return found.centres.tolist()

    assert kept(5.8) == [[50, pytest.approx(55.8)], [90, 50]]
    assert len(kept(6.2)) == 3


@pytest.mark.parametrize(("strength", "number"), [(0.56, 4), (0.54, 3)])
def test_candidates_much_weaker_than_the_others_are_chance(strength, number):
    others = ([1] * 9, [0.1] * 9)
    dust = sure(others, ([strength] * 9, [0.05] * 9), others, others)
    assert len(dust.centres) == number
    assert dust.strength == pytest.approx([1, strength, 1, 1] if number == 4 else [1] * 3)


CENTRES = np.float32([(y, x) for y in range(25, 220, 38) for x in range(30, 300, 43)])
STRENGTH = np.linspace(0.6, 1, len(CENTRES)).astype(np.float32)
APERTURES = [(6, 0.5), (8, 0.35), (12, 0.15), (7, 0.45), (12, 0.15), (8, 0.3), (12, 0.15), (6, 0.5)]


def frame(number, radius, opacity, dark=True):
    through = 1 - film_scans.shadows(SHAPE, CENTRES, STRENGTH, radius, opacity)
    seen = (film_scans.scene(40 + number, SHAPE, grain=0.006) * through).astype(np.float32)
    return seen if dark else 1 - seen


class Run:
    """Frames that are shown to passes, and what was asked."""

    def __init__(self, apertures=APERTURES, dark=True):
        self.frames = [frame(k, *aperture, dark) for k, aperture in enumerate(apertures)]
        self.asked = []

    def show(self, one, numbers):
        self.dust = one.dust
        self.asked.append((type(one).__name__, len(one.dust.centres), list(numbers)))
        looks = [one.look(each, None) for each in self.frames]
        for number in numbers:
            one.take(number, looks[number % len(self.frames)])


def evidence(polarity="dark", count=12, log_odds=20.0, area=9, specks=0):
    """Candidates of `area` px at some particles, and as many where there is no dust."""
    opacity, mask = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, bool)
    for shift, centres in ((0, CENTRES[:count]), (18, CENTRES[:count])):
        for (y, x), strength in zip(centres.astype(int) + shift, STRENGTH, strict=False):
            for k in range(area):
                mask[y - 1 + k // 3, x - 1 + k % 3] = True
                opacity[y - 1 + k // 3, x - 1 + k % 3] = 0.3 * strength
    mask[2 * (np.arange(specks) // 160), 2 * (np.arange(specks) % 160)] = True
    found = Evidence(opacity, mask, polarity)
    found.frames[:] = 8
    y, x = np.divmod(found.positions, SHAPE[1])
    middle = np.stack([np.bincount(found.labels, a) / found.area for a in (y, x)], 1)
    near = np.hypot(*(middle[:, None] - CENTRES[None]).transpose(2, 0, 1)).min(axis=1) < 3
    found.log_ratios[:] = np.where(near, log_odds, -30) / LOG_DENSITY_STEP
    return found


def test_dust_of_changing_size_is_found_everywhere():
    run = Run()
    found = find_round_dust(run.show, range(8), range(8), evidence())
    away = np.hypot(*(CENTRES[:, None] - found.dust.centres[None]).transpose(2, 0, 1))
    assert np.count_nonzero(away.min(axis=1) < 2) >= 0.9 * len(CENTRES)
    assert away.min(axis=0).max() < 3  # and nothing else
    strength = found.dust.strength / np.median(found.dust.strength)
    usual = STRENGTH[away.argmin(axis=0)] / np.median(STRENGTH)
    assert np.abs(strength - usual).mean() < 0.15
    assert found.dust.dark
    # The sharpest frames have discs of 6 px that fall to half at 4.5, the widest ones reach 12.
    assert found.sharpest.half_radius == pytest.approx(4.5, rel=0.2)
    assert found.dust.reach == pytest.approx(12, rel=0.25)


def test_a_few_frames_are_asked_first(monkeypatch):
    monkeypatch.setattr(round_dust, "_sure", lambda candidates, *_: candidates)
    run = Run()
    find_round_dust(run.show, range(100, 110), range(8, 108), evidence(count=6))
    (first, size, numbers), again, *others = run.asked
    assert (first, size, numbers) == ("ProfilePass", 6, [100, 101, 102, 103])
    assert again == ("ProfilePass", 6, [104, 105, 106, 107])
    assert [name for name, *_ in others] == ["ProfilePass", "ShadowSearch", "ProfilePass"]
    for _, _, asked in others:
        assert len(asked) == 40
        assert (asked[0], asked[-1]) == (8, 107)


def test_at_most_250_candidates_are_compared():
    run, compared = Run(), []

    def show(one, numbers):
        if one.others is None:
            run.show(one, numbers)
        else:
            compared.append(len(one.others.centres))

    assert find_round_dust(show, range(8), range(8), evidence(specks=260)) is None
    assert compared == [250]


def test_frames_without_shadows_are_not_asked_further():
    clean = [(1, 0.0)] * 4
    run = Run(clean)
    assert find_round_dust(run.show, range(8), range(8), evidence()) is None
    assert [numbers for *_, numbers in run.asked] == [[0, 1, 2, 3]]


def test_dust_of_one_size_is_left_to_the_mask():
    run = Run([(8, 0.35)] * 8)
    assert find_round_dust(run.show, range(8), range(8), evidence()) is None
    assert [numbers for *_, numbers in run.asked] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_the_first_particles_are_the_sixteen_strongest_ones():
    run = Run(APERTURES[:1])
    find_round_dust(run.show, range(4), range(4), evidence(count=20))
    assert run.asked[0][1] == 16
    away = np.hypot(*(CENTRES[4:20, None] - run.dust.centres).transpose(2, 0, 1))
    assert away.min(axis=0).max() < 1.5
    assert run.dust.dark
    run = Run(APERTURES[:1], dark=False)
    find_round_dust(run.show, range(4), range(4), evidence("light"))
    assert not run.dust.dark


@pytest.mark.parametrize(
    ("frames", "particles", "found"), [(4, 5, True), (3, 5, False), (4, 4, False)]
)
def test_four_frames_and_five_particles_are_enough(frames, particles, found, monkeypatch):
    monkeypatch.setattr(round_dust, "_sure", lambda candidates, *_: candidates)
    run = Run([(8, 0.45), (9, 0.4)] * 2)
    known = RoundDust(CENTRES[:12], STRENGTH[:12], True)
    candidates = RoundDust(CENTRES[:particles], STRENGTH[:particles], True)
    result = round_dust._examine(run.show, range(frames), SHAPE, known, candidates)
    assert (result is not None) == found


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"count": 5}, 5),
        ({"count": 4}, 0),
        # Larger ones need no certainty that they are dust, small ones some.
        ({"area": 4, "log_odds": 0.0}, 12),
        ({"area": 3, "log_odds": 0.0}, 0),
        ({"area": 3, "log_odds": 4.0}, 12),
    ],
)
def test_which_candidates_are_asked_first(options, asked):
    run = Run(APERTURES[:1])
    find_round_dust(run.show, range(4), range(4), evidence(**options))
    assert (run.asked[0][1] if run.asked else 0) == asked


def test_a_pass_reads_around_other_particles_than_those_that_show_the_profile():
    known = RoundDust(CENTRES[:12], STRENGTH[:12], True)
    others = RoundDust(CENTRES[20:23], STRENGTH[20:23], True)
    shown, around = ProfilePass(known, others).look(frame(0, 6, 0.5), None)
    assert shown.is_significant
    assert len(around) == 3
    # A block beyond the profile, row by row.
    assert around[0].distance().max() == pytest.approx(shown.radius + 4, abs=1)
    assert around[0].reading.size == pytest.approx(np.pi * (shown.radius + 4) ** 2, rel=0.1)
    again = ProfilePass(known, others).start()
    assert (again.dust, again.others) == (known, others)
    clean, around = ProfilePass(known, others).look(frame(0, 6, 0.0), None)
    assert not clean.is_significant
    assert len(around) == 12
