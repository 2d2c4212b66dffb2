"""Values in whole steps, so that sums do not depend on their order."""

import numpy as np

STEPS_OF_16_BIT = 65535


def to_steps(values):
    """Values 0..1 in the steps of a mask, uint16."""
    return (np.clip(values, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


# What frames say is summed in whole steps of this size, so that sums do not depend on their order.
FIXED_POINT_STEP = 2.0**-16


def in_fixed_point(values):
    """Values as whole steps, int64."""
    return np.rint(values * np.float64(1 / FIXED_POINT_STEP)).astype(np.int64)
