"""What the dust of a run does to its frames is measured: density, presence, response; and it
travels with the mask.
"""

import numpy as np
import pytest

from dustbust import DustbustError, DustMask, _kernels
from dustbust.dust.model import DustModel
from dustbust.dust.observation import moved
from dustbust.dust.response import USUAL, Response, Responses
from dustbust.estimation import density_meter
from dustbust.estimation.density_meter import DensityMeter, Expected, Graph
from helpers import film_scans


def measured(film, transmittance, frames=10, polarity=None, dusty=None):
    meter = DensityMeter(
        transmittance < 0.94 if dusty is None else dusty,
        polarity=polarity or ("dark" if film == "slide" else "light"),
    )
    for frame in film_scans.run(film, frames, transmittance)[0]:
        meter.add(frame.astype(np.float32) / 255)
    return meter.model()


@pytest.mark.parametrize("film", film_scans.FILMS)
def test_density_is_that_of_the_dust_whatever_the_film(film):
    transmittance, _ = film_scans.particles()
    effect = measured(film, transmittance)
    true = -np.log(transmittance[effect.where])
    scale = (effect.density @ true) / (
        effect.density @ effect.density
    )  # the unit is free: a film's contrast is not known
    assert np.sqrt(np.mean((scale * effect.density - true) ** 2)) < 0.08 * np.sqrt(np.mean(true**2))


def test_the_error_that_is_given_is_the_error_that_is_made():
    transmittance, _ = film_scans.particles()
    effect = measured("gamma", transmittance, frames=6)
    true = -np.log(transmittance[effect.where])
    at = true > 0.05
    scale = (effect.density[at] @ true[at]) / (true[at] @ true[at])
    ratio = np.sqrt(np.mean(((effect.density - scale * true)[at] / effect.error[at]) ** 2))
    assert 0.5 < ratio < 2


def test_more_frames_make_the_density_more_certain():
    transmittance, _ = film_scans.particles()
    assert np.median(measured("gamma", transmittance, 20).error) < 0.75 * np.median(
        measured("gamma", transmittance, 5).error
    )


def test_share_of_the_frames_in_which_a_particle_is():
    transmittance, masks = film_scans.particles()
    without = np.where(masks[0], 1, transmittance)
    effect = measured(
        "gamma",
        [transmittance if k % 2 else without for k in range(16)],
        frames=16,
        dusty=transmittance < 0.94,
    )
    labels, _ = effect.particles
    particle = np.bincount(labels[masks[0][effect.where]]).argmax()
    assert effect.share[particle] == pytest.approx(0.5, abs=0.07)
    assert np.delete(effect.share, particle).min() > 0.85


def test_dust_of_both_polarities_is_told_apart():
    transmittance, masks = film_scans.particles(count=10)
    is_dark = np.logical_or.reduce(masks[::2])
    bright, dark = np.where(is_dark, 1, transmittance), np.where(is_dark, transmittance, 1)
    meter = DensityMeter(transmittance < 0.94, polarity="both")
    for k in range(10):
        meter.add(
            (film_scans.shown("linear", film_scans.scene(k), bright) * dark).astype(np.float32)
        )
    effect = meter.model()
    labels, _ = effect.particles
    core = (transmittance < 0.94)[effect.where]
    assert np.array_equal(effect.dark[labels[core]], is_dark[effect.where][core])


def test_a_mask_keeps_its_effect_in_a_file(tmp_path):
    transmittance, _ = film_scans.particles()
    effect = measured("gamma", transmittance)
    DustMask((1 - transmittance).astype(np.float32), 0.06, model=effect.pack()).save(
        tmp_path / "mask.png"
    )
    loaded = DustModel.unpack(DustMask.load(tmp_path / "mask.png").model, transmittance.shape)
    assert np.array_equal(loaded.where, effect.where)
    assert np.array_equal(loaded.dark, effect.dark)
    assert np.abs(loaded.density - effect.density).max() <= 0.5001 / 1024
    assert np.abs(np.log(loaded.error / np.maximum(effect.error, 1e-3))).max() < 0.03
    assert np.abs(loaded.share - effect.share).max() < 0.003


def test_the_part_within_a_region_keeps_whole_what_lies_inside():
    transmittance, _masks = film_scans.particles()
    effect = measured("gamma", transmittance)
    region = np.zeros(transmittance.shape, bool)
    region[:71] = True  # between two rows of particles
    part = effect.within(region)
    assert np.array_equal(part.where, effect.where & region)
    assert np.array_equal(part.density, effect.density[region[effect.where]])
    labels, neighbours = part.particles
    assert labels.min() == 0
    assert labels.max() + 1 == len(part.share) == len(part.dark)
    assert neighbours.max() < len(part.density)
    assert 0 < len(part.share) < len(effect.share)


@pytest.mark.parametrize(
    "name", ["where", "core", "density", "error", "share", "dark", "responses"]
)
def test_a_damaged_effect_is_said_to_be_damaged(name):
    transmittance, _ = film_scans.particles()
    arrays = measured("gamma", transmittance, frames=3).pack()
    arrays[name] = arrays[name][:-1]
    with pytest.raises(DustbustError, match="damaged"):
        DustModel.unpack(arrays, transmittance.shape)


def test_the_same_for_any_number_of_threads():
    transmittance, _ = film_scans.particles()
    results = []
    for threads in (1, 3):
        meter = DensityMeter(transmittance < 0.94, threads=threads)
        for frame in film_scans.run("gamma", 5, transmittance)[0]:
            meter.add(frame.astype(np.float32) / 255)
        results.append(meter.result())
    assert all(np.array_equal(results[0][name], results[1][name]) for name in results[0])


def test_a_pattern_moves_as_it_does_in_the_fourier_domain():
    plane = film_scans.blurred(np.pad(np.random.default_rng(3).normal(size=(20, 24)), 10), 2.5)
    where = np.ones(plane.shape, bool)
    from dustbust import _kernels

    neighbours = _kernels.connected_components(where, where)[1]
    y, x = np.fft.fftfreq(plane.shape[0])[:, None], np.fft.fftfreq(plane.shape[1])[None]
    truth = np.fft.ifft2(np.fft.fft2(plane) * np.exp(-2j * np.pi * (0.6 * y - 1.3 * x))).real
    result = moved(plane.ravel().astype(np.float32), neighbours, 0.6, -1.3).reshape(plane.shape)
    assert np.abs(result - truth)[4:-4, 4:-4].max() < 0.03 * np.abs(plane).max()


def test_a_part_of_a_graph_has_whole_particles_and_their_own_neighbours():
    """Of a large mask, only some particles are asked first."""
    rng = np.random.default_rng(5)
    where = rng.random((60, 80)) < 0.3
    labels, neighbours, count = _kernels.connected_components(where, where)
    whole = Graph.of(labels, neighbours, count)
    assert np.array_equal(labels[whole.first], np.arange(count))
    part, kept, at = whole.part(labels.size // 4)
    assert labels.size / 8 < at.sum() < labels.size / 2
    assert np.array_equal(at, kept[labels])
    assert part.particles == kept.sum()
    # The pixels of the part have the same particles and neighbours as before.
    number = np.flatnonzero(at)
    assert np.array_equal(np.flatnonzero(kept)[part.labels], labels[number])
    assert np.array_equal(part.labels[part.first], np.arange(part.particles))
    before = np.where(neighbours[number] < 0, -1, neighbours[number])
    after = np.where(part.neighbours < 0, -1, number[part.neighbours])
    assert np.array_equal(after, before)


def test_neighbours_that_belong_to_particles_that_are_not_asked_are_none():
    where, core = np.zeros((2, 5, 40), bool)
    where[2] = core[2, 1::4] = True
    labels, neighbours, count = _kernels.connected_components(where, core)
    part, kept, at = Graph.of(labels, neighbours, count).part(20)
    assert 1 < kept.sum() < count
    number = np.flatnonzero(at)
    left, right = part.neighbours[:, 1], part.neighbours[:, 2]
    assert np.array_equal(left, np.where(np.isin(number - 1, number), np.arange(at.sum()) - 1, -1))
    assert np.array_equal(right, np.where(np.isin(number + 1, number), np.arange(at.sum()) + 1, -1))
    assert (part.neighbours[:, [0, 3]] == -1).all()


def unit(frames):
    return [frame.astype(np.float32) / 255 for frame in frames]


def two_particles():
    """Where two particles are that take half of the light, and frames that show them."""
    dusty = np.zeros((60, 70), bool)
    dusty[20:26, 15:21] = dusty[30:36, 45:51] = True
    rng = np.random.default_rng(2)
    return dusty, [
        np.where(dusty, 0.5 + 0.5 * level, level) + np.float32(rng.normal(0, 0.004, dusty.shape))
        for level in np.float32([0.2, 0.3, 0.4, 0.5, 0.35])
    ]


@pytest.mark.parametrize("seen", [0, 1, 2, 4])
def test_the_share_is_of_the_frames_that_show_the_place(seen):
    """A particle that no frame shows is expected in most frames."""
    dusty, frames = two_particles()
    meter = DensityMeter(dusty)
    for number, plane in enumerate(frames[:4]):
        has_data = np.ones(dusty.shape, bool)
        has_data[:, :35] = number < seen
        meter.take(number, meter.look(plane, has_data))
    model = meter.model()
    assert model.share[1] == pytest.approx(1, abs=0.01)
    assert model.share[0] == pytest.approx(1 if seen else 0.95, abs=0.01)
    assert meter.expected.share == pytest.approx(model.share, abs=0.01)
    first = model.particles[0] == 0
    if seen:
        assert model.density[first].max() == pytest.approx(model.density[~first].max(), rel=0.1)
    else:
        assert model.density[first].max() == 0
        assert (model.error[first] == 1000).all()  # nothing is known


def test_a_frame_shows_a_particle_with_data_of_half_of_it():
    dusty, _ = two_particles()
    meter = DensityMeter(dusty)
    labels, size = meter.graph.labels, meter.graph.labels.size
    expected = Expected(np.zeros(size, np.float32), np.ones(2, np.float32), np.zeros(2, bool))
    observed, filled = np.full(size, 0.6, np.float32), np.full(size, 0.2, np.float32)
    of_first, of_second = (np.flatnonzero(labels == n) for n in (0, 1))
    assert of_first.size % 2 == 0
    for hidden, shown in ((of_first.size // 2, True), (of_first.size // 2 + 1, False)):
        spread = np.full(size, 0.02, np.float32)
        spread[of_first[:hidden]] = 1
        reading = meter._read(
            meter.graph, expected, (observed, filled, spread), blind=expected.usual
        )
        assert reading.shown.tolist() == [shown, True]
        assert reading.present.tolist() == [shown, 1]
        assert (reading.weight[spread == 1] == 0).all()
        assert (reading.weight[spread < 1] > 0).all()
        # 0.8 of white is left and 0.4 of it afterwards, by the usual lift of 1.03.
        assert reading.density[of_second] == pytest.approx(
            USUAL.density(np.float32(0.6), np.float32(0.2))
        )
        assert reading.responses == expected.usual
    # Unless the response of the frame is known.
    known = Responses(Response(0.7, 0.4), Response(0.5, 0.2))
    reading = meter._read(meter.graph, expected, (observed, filled, spread), blind=known)
    assert reading.responses == known
    assert reading.density[of_second] == pytest.approx(
        known.light.density(np.float32(0.6), np.float32(0.2))
    )


def test_the_readings_that_count_are_those_of_the_last_round():
    dusty, frames = two_particles()
    meter = DensityMeter(dusty)
    for number, plane in enumerate(frames):
        meter.take(number, meter.look(plane))
    meter.read_held()
    held = [meter._held[number] for number in range(5)]
    size = meter.graph.labels.size
    start = Expected(np.zeros(size, np.float32), np.float32([0.95, 0.95]), np.zeros(2, bool))
    for rounds, is_usual in ((("blind",), True), (("blind", "full"), False)):
        counted = []
        expected = meter._rounds(meter.graph, start, held, rounds, take=counted.append)
        assert [each.responses == start.usual for each in counted] == [is_usual] * 5
        assert (expected.usual == start.usual) == is_usual


def test_before_any_frame_nothing_is_known():
    dusty, _ = two_particles()
    model = DensityMeter(dusty, polarity="dark").model()
    assert not model.density.any()
    assert (model.error == 1000).all()
    assert model.share == pytest.approx([0.95, 0.95])
    assert model.dark.all()
    assert (model.light_response, model.dark_response) == (USUAL, USUAL)


def test_usual_responses_are_medians_of_the_frames():
    dusty, frames = two_particles()
    meter = DensityMeter(dusty)
    meter.add(frames[0])
    meter.settle()
    meter._responses = [[1.0, 0.5, 0.7, 0.2], [1.1, 0.3, 0.9, 0.1], [0.6, 0.4, 0.8, 0.6]]
    model = meter.model()
    assert model.light_response == Response(1.0, 0.4)
    assert model.dark_response == Response(0.8, 0.2)


def test_particles_are_dark_if_they_are_darker_than_their_surroundings_in_all():
    dusty, _ = two_particles()
    meter = DensityMeter(dusty, polarity="both")
    first = meter.graph.labels == 0
    size = first.size

    def frame(light, dark, spread):
        observed = np.where(first, 0.5 + light, 0.5 - dark)
        return tuple(np.float16(a) for a in (observed, np.full(size, 0.5), np.full(size, spread)))

    def which(*frames):
        return meter._which_are_dark(frames).tolist()

    assert which(frame(0.1, 0.1, 0.1)) == [False, True]
    # Differences count by their errors: here 1 against 2.
    assert which(frame(0.1, 0.1, 0.1), frame(-0.4, -0.4, 0.2)) == [True, False]
    assert which(frame(0.1, 0.1, 0.1), frame(-0.4, -0.4, 0.8)) == [False, True]
    assert which() == [False, False]
    # However little it is.
    assert which(frame(0.002, 0.002, 0.9)) == [False, True]


def test_ten_frames_tell_what_to_expect_of_the_others():
    dusty, frames = two_particles()
    meter = DensityMeter(dusty)
    for plane in frames[:5] + frames[:4]:
        meter.add(plane)
        assert meter.expected is None
    meter.add(frames[4])
    assert meter.expected is not None
    assert meter.expected.density.max() == pytest.approx(np.log(2), rel=0.1)
    assert len(meter._responses) == 10
    meter.add(frames[0])
    assert len(meter._responses) == 11


def test_parts_of_a_run_are_measured_as_the_whole():
    dusty, frames = two_particles()

    def begun():
        meter = DensityMeter(dusty)
        for number, plane in enumerate(frames[:3]):
            meter.take(number, meter.look(plane))
        meter.settle()
        return meter

    whole, one = begun(), begun()
    other = one.start()
    for meter, numbers in ((whole, (3, 4)), (one, (4,)), (other, (3,))):
        for number in numbers:
            meter.take(number, meter.look(frames[number]))
    assert len(other._responses) == 1
    one.merge(other)
    results = [{n: a.tobytes() for n, a in each.result().items()} for each in (whole, one)]
    assert results[0] == results[1]


def test_frames_wait_only_if_ten_of_them_are_held(monkeypatch):
    dusty, frames = two_particles()
    meter = DensityMeter(dusty)
    monkeypatch.setattr(density_meter, "LARGEST_HELD", 10 * frames[0].nbytes)
    assert meter.look(frames[0]) is frames[0]
    # A part of a run does not settle, so that there is no time to wait for.
    assert isinstance(meter.another().look(frames[0]), tuple)
    monkeypatch.setattr(density_meter, "LARGEST_HELD", 10 * frames[0].nbytes - 1)
    observed, filled, spread = meter.look(frames[0])
    size = meter.graph.labels.size
    assert observed.shape == filled.shape == spread.shape == (size,)
    assert {array.dtype.name for array in (observed, filled, spread)} == {"float16"}
    # Waiting makes no difference.
    results = []
    for held in (10 * frames[0].nbytes, 1):
        monkeypatch.setattr(density_meter, "LARGEST_HELD", held)
        meter = DensityMeter(dusty)
        for number, plane in enumerate(frames):
            meter.take(number, meter.look(plane))
        results.append({name: array.tobytes() for name, array in meter.result().items()})
    assert results[0] == results[1]


def test_of_much_dust_a_part_tells_how_frames_respond(monkeypatch):
    transmittance, _ = film_scans.particles()
    frames = unit(film_scans.run("gamma", 6, transmittance)[0])

    def model(asked=None):
        if asked is not None:
            monkeypatch.setattr(density_meter, "PIXELS_ASKED_FIRST", asked)
        meter = DensityMeter(transmittance < 0.94)
        for plane in frames:
            meter.add(plane)
        return meter.model()

    whole = model()
    size = whole.density.size
    again = model(-(-size // 2))  # twice as many are all
    assert {n: a.tobytes() for n, a in again.pack().items()} == {
        n: a.tobytes() for n, a in whole.pack().items()
    }
    part = model(size // 3)
    assert not np.array_equal(part.density, whole.density)
    off = part.density - whole.density * (part.density @ whole.density) / (
        whole.density @ whole.density
    )
    assert np.sqrt(np.mean(off**2)) < 0.05 * np.sqrt(np.mean(whole.density**2))
    assert part.share == pytest.approx(whole.share, abs=0.02)


@pytest.mark.parametrize(
    "shifts",
    [[(0, 0)] * 4 + [(1.6, -1.2), (-1.4, 1.8)] * 3, [(0, 0)] * 10 + [(1.6, -1.2), (-1.4, 1.8)] * 5],
    ids=["among the first ten", "later"],
)
def test_dust_that_moves_is_measured_where_it_usually_is(shifts):
    transmittance, _ = film_scans.particles()
    density = -np.log(transmittance)
    v, u = np.fft.fftfreq(density.shape[0])[:, None], np.fft.fftfreq(density.shape[1])

    def there(down, right):
        turn = np.exp(-2j * np.pi * (v * down + u * right))
        return np.exp(-np.maximum(np.fft.ifft2(np.fft.fft2(density) * turn).real, 0))

    frames = film_scans.run("linear", len(shifts), [there(*shift) for shift in shifts])[0]
    meter = DensityMeter(transmittance < 0.94)
    for plane in unit(frames):
        meter.add(plane)
    model = meter.model()
    true = density[model.where]
    scale = (model.density @ true) / (model.density @ model.density)
    off = np.sqrt(np.mean((scale * model.density - true) ** 2)) / np.sqrt(np.mean(true**2))
    blurred = np.mean([-np.log(there(*shift)) for shift in shifts], axis=0)[model.where]
    assert off < 0.5 * np.sqrt(np.mean((blurred - true) ** 2)) / np.sqrt(np.mean(true**2))


def test_means_of_the_density_are_weighted_and_not_below_zero():
    readings, weights = np.float32([3, -2, 0, 1e-9]), np.float32([6, 4, 0, 0])
    assert density_meter.density_of(readings, weights).tolist() == pytest.approx([0.5, 0, 0, 1])
