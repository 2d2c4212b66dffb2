"""Decides which particles of a run are present in a frame, by the evidence at their pixels."""

from typing import Any

import numpy as np

from ..image.arrays import Labels, Mask, Values
from ..image.elementary import exponential, logarithm

# Side of a piece, px.
PIECE_SIDE = 8

# Pieces of one particle are present together, except with a probability of exp(-TOGETHER).
# Particles that touch are one particle in the mask, but come and go independently.
TOGETHER = 6.0

# Standard deviation of the log odds of all particles of a frame from those of the run.
SPREAD_OF_LOG_ODDS = 2.0

# Limits of a share, because it was counted in a limited number of frames.
SMALLEST_SHARE, LARGEST_SHARE = 0.02, 0.98


class Pieces:
    """The particles of a mask, cut by a grid into pieces that are judged one by one.

    Parameters
    ----------
    where : ndarray of bool, shape (H, W)
        The N pixels of the particles.
    labels : ndarray of int32, shape (N,)
        Number of the particle of each pixel.
    neighbours : ndarray of int32, shape (N, 4)
        Index of the pixels above, left, right and below; -1 for none.

    Examples
    --------
    >>> import numpy as np
    >>> where = np.ones((1, 48), bool)
    >>> row = np.array([[-1, k - 1, k + 1 if k < 47 else -1, -1] for k in range(48)], np.int32)
    >>> pieces = Pieces(where, np.zeros(48, np.int32), row)
    >>> ratio = np.repeat(np.float32([2, -2]), 24)
    >>> (pieces.probability(ratio, np.float32([0.5])) > 0.5).tolist() == 24 * [True] + 24 * [False]
    True
    """

    def __init__(self, where: Mask, labels: Labels, neighbours: Labels) -> None:
        y, x = np.divmod(np.flatnonzero(where), where.shape[1])
        rows, columns = (length // PIECE_SIDE + 1 for length in where.shape)
        names, self.of_pixel = np.unique(
            (labels.astype(np.int64) * rows + y // PIECE_SIDE) * columns + x // PIECE_SIDE,
            return_inverse=True,
        )
        self.particle = names // (rows * columns)
        pixel = np.repeat(np.arange(labels.size), 4)[neighbours.ravel() >= 0]
        other = neighbours[neighbours >= 0]
        across = (labels[pixel] == labels[other]) & (self.of_pixel[pixel] != self.of_pixel[other])
        pairs = np.sort(self.of_pixel[pixel[across]] * names.size + self.of_pixel[other[across]])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]  # each once
        # Pieces that touch each other, in both orders.
        self.pair = np.divmod(pairs, max(names.size, 1))

    def probability(self, ratio: Values, share: Values) -> Values:
        """Probability that the dust of each pixel is present in a frame.

        A piece is judged by its own evidence and that of the pieces beside it. The evidence of the
        rest of its particle counts as far as they are present together.

        Parameters
        ----------
        ratio : ndarray of float32, shape (N,)
            Log-likelihood ratio of the dust of each pixel.
        share : ndarray of float32, shape (P,)
            Share of the run's frames in which each particle is present.

        Returns
        -------
        ndarray of float32, shape (N,)
        """
        of_pieces = np.bincount(self.of_pixel, ratio, self.particle.size)
        piece, beside = self.pair
        near = of_pieces + np.bincount(piece, of_pieces[beside], of_pieces.size)
        of_particles: Any = np.bincount(self.particle, of_pieces, share.size)
        log_odds = logit(share)
        log_odds += frame_log_odds(of_particles, log_odds)
        rest = (of_particles + log_odds)[self.particle] - near
        return probability(near + np.clip(rest, -TOGETHER, TOGETHER))[self.of_pixel]


def probability_of_particles(ratio: Values, share: Values, labels: Labels) -> Values:
    """As `Pieces.probability`, for whole particles, with their shares in the run as the prior.

    Parameters
    ----------
    ratio : ndarray of float32, shape (N,)
        Log-likelihood ratio of the dust of each pixel.
    share : ndarray of float32, shape (P,)
        Share of the run's frames in which each particle is present.
    labels : ndarray of int32, shape (N,)
        Number of the particle of each pixel.

    Returns
    -------
    ndarray of float32, shape (N,)
    """
    return probability(np.bincount(labels, ratio, share.size) + logit(share))[labels]


def frame_log_odds(ratio: Values, log_odds: Values) -> float:
    """The common difference of a frame's log odds, for all particles, from those of the run.

    After the glass was cleaned most dust is absent. The most likely difference is found by Newton's
    method.

    Parameters
    ----------
    ratio : ndarray of float, shape (P,)
        Log-likelihood ratio of each particle.
    log_odds : ndarray of float, shape (P,)
        Log odds of each particle in the run.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> cleaned = frame_log_odds(np.full(100, -3.0), np.full(100, 2.0))
    >>> bool(cleaned < -4)
    True
    """
    result, certainty = 0.0, SPREAD_OF_LOG_ODDS**-2
    for _ in range(12):
        before = probability(log_odds + result)
        slope = (probability(ratio + log_odds + result) - before).sum() - certainty * result
        change = slope / ((before * (1 - before)).sum() + certainty)
        result += float(np.clip(change, -1, 1))
        if abs(change) < 0.02:
            break
    return result


def logit(share: Values) -> Values:
    """Log odds of a share, which is limited to be neither 0 nor 1."""
    share = np.clip(share, SMALLEST_SHARE, LARGEST_SHARE)
    return logarithm(share / (1 - share))


def probability(log_odds: Values) -> Values:
    """Probability of log odds, float32."""
    odds_against = exponential(-np.clip(log_odds, -30, 30))
    return np.asarray(1 / (1 + odds_against))
