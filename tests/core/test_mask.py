"""A dust mask survives its file."""
import numpy as np

import dustbust


def test_saved_mask_is_the_same_mask(tmp_path):
    rng = np.random.default_rng(1)
    dust = dustbust.DustMask(rng.random((20, 30)), 0.25, "dark", "sum", ("a.jpg", "b.jpg"),
                             {"slope": rng.random(7).astype(np.float16)}, {"frames": 2})
    dust.save(tmp_path / "mask.png")
    again = dustbust.DustMask.load(tmp_path / "mask.png")
    assert np.array_equal(again.grey, dust.grey)
    assert np.array_equal(again.binary(), dust.binary())
    assert np.array_equal(again.effect["slope"], dust.effect["slope"])
    assert (again.threshold, again.polarity, again.method, again.frames, again.report) == (
        dust.threshold, dust.polarity, dust.method, dust.frames, dust.report)
