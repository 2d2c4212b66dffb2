"""Which particles of a run are in one of its frames, judged by how much the frame speaks for each pixel of them."""

import numpy as np

# Side of a piece, px.
PIECE_SIDE = 8

# Pieces of one particle go together, but for one chance in exp(TOGETHER): particles that touch are one in the mask, and come and go
# each for itself.
TOGETHER = 6.0

# By how much the odds of all particles of a frame usually differ from those of the run, logarithm.
SPREAD_OF_ODDS = 2.0


class Pieces:
    """The particles of a mask, cut by a grid.

    Parameters
    ----------
    where : bool (H, W), the N pixels of the particles.
    labels : int32 (N,), the particle of each pixel.
    neighbours : int32 (N, 4), places of the pixels above, left, right and below, -1 for none.

    >>> where = np.ones((1, 48), bool)
    >>> row = np.array([[-1, k - 1, k + 1 if k < 47 else -1, -1] for k in range(48)], np.int32)
    >>> pieces = Pieces(where, np.zeros(48, np.int32), row)
    >>> chance = pieces.chance(np.repeat(np.float32([2, -2]), 24), np.float32([0.5]))
    >>> (chance > 0.5).tolist() == 24 * [True] + 24 * [False]
    True
    """

    def __init__(self, where, labels, neighbours):
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
        pairs = np.unique(self.of_pixel[pixel[across]] * names.size + self.of_pixel[other[across]])
        self.pair = np.divmod(pairs, max(names.size, 1))  # pieces that touch each other, both ways

    def chance(self, said, share):
        """How probable it is that the dust of each pixel is in a frame.

        A piece is judged by itself and the pieces beside it. What the rest of its particle says counts as far as the two go together.

        Parameters
        ----------
        said : float32 (N,), how much the frame speaks for the dust of each pixel: logarithm of the likelihood ratio.
        share : float (P,), how probable each particle is before anything was seen of the frame.

        Returns
        -------
        float32 (N,)
        """
        of_pieces = np.bincount(self.of_pixel, said, self.particle.size)
        here, beside = self.pair
        near = of_pieces + np.bincount(here, of_pieces[beside], of_pieces.size)
        of_particles = np.bincount(self.particle, of_pieces, share.size)
        odds = logit(share)
        odds += frame_log_odds(of_particles, odds)
        rest = (of_particles + odds)[self.particle] - near
        return probability(near + np.clip(rest, -TOGETHER, TOGETHER))[self.of_pixel]


def probability_of_particles(said, share, labels):
    """The same as `Pieces.chance` for whole particles, as probable as they are in the run.

    Parameters
    ----------
    labels : int32 (N,), the particle of each pixel.
    """
    return probability(np.bincount(labels, said, share.size) + logit(share))[labels]


def frame_log_odds(said, odds):
    """By how much the odds of all particles of a frame differ from those of the run: when the glass was cleaned, most dust is gone.

    What makes the frame most likely, by Newton's method.

    Parameters
    ----------
    said : float (P,), logarithm of the likelihood ratio of each particle.
    odds : float (P,), logarithm of the odds of each, as they are in the run.

    >>> gone = frame_log_odds(np.full(100, -3.0), np.full(100, 2.0))
    >>> bool(gone < -4)
    True
    """
    result, certainty = 0.0, SPREAD_OF_ODDS**-2
    for _ in range(12):
        before = probability(odds + result)
        slope = (probability(said + odds + result) - before).sum() - certainty * result
        change = slope / ((before * (1 - before)).sum() + certainty)
        result += float(np.clip(change, -1, 1))
        if abs(change) < 0.02:
            break
    return result


def logit(share):
    """Logarithm of the odds; nothing is thought to be certain."""
    share = np.clip(share, 0.02, 0.98)
    return np.log(share / (1 - share))


def probability(odds):
    """The probability with a logarithm of the odds, float32."""
    return (1 / (1 + np.exp(-np.clip(odds, -30, 30)))).astype(np.float32)
