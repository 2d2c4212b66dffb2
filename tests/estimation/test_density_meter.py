"""What the dust of a run does to its frames is measured: density, presence, response; and it
travels with the mask.
"""

import numpy as np
import pytest

from dustbust import DustbustError, DustMask, _kernels
from dustbust.dust.model import DustModel
from dustbust.dust.observation import moved
from dustbust.estimation.density_meter import DensityMeter, Graph
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
