"""Pictures as arrays: what is accepted, and the way to and from the 0..1 in which everything is computed.

A picture is (H, W) or (H, W, C) with 1 to 4 channels; of 2 and of 4 channels the last is alpha.
Its dtype is uint8 or uint16 (0 to the largest number), or float32 (0..1).
"""

import numpy as np

DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))

# Weights of red, green and blue in the luminance of ITU-R BT.601, which is what JPEG's first channel holds.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def check_image(image, name="image"):
    """`image` as an array, if it is a picture.

    Raises
    ------
    TypeError
        when it is no array or has another dtype than uint8, uint16, float32.
    ValueError
        when its shape is not that of a picture, or it is empty.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"{name} must be a numpy array, not {type(image).__name__}")
    if image.dtype not in DTYPES:
        raise TypeError(f"{name} must be uint8, uint16 or float32, not {image.dtype}")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(
            f"{name} must be (H, W) or (H, W, C) with 1 to 4 channels, not {image.shape}"
        )
    if image.size == 0:
        raise ValueError(f"{name} has no pixels: its shape is {image.shape}")
    return image


def largest(dtype):
    """The number that stands for 1.0 in a picture of this dtype."""
    return 1.0 if np.dtype(dtype).kind == "f" else float(np.iinfo(dtype).max)


def to_unit(image):
    """A picture as float32 in 0..1, same shape."""
    return (
        image.astype(np.float32)
        if image.dtype == np.float32
        else image.astype(np.float32) / np.float32(largest(image.dtype))
    )


def from_unit(values, dtype):
    """float32 in 0..1 as a picture of `dtype`: rounded and clipped, or as it is when `dtype` is float32."""
    if np.dtype(dtype) == np.float32:
        return np.asarray(values, np.float32)
    scale = np.float32(largest(dtype))
    return (np.clip(values, 0, 1) * scale + np.float32(0.5)).astype(dtype)


def colour_channels(image):
    """A view of the picture without its alpha: (H, W, 1) or (H, W, 3)."""
    image = image if image.ndim == 3 else image[..., None]
    return image[..., : 3 if image.shape[2] >= 3 else 1]


def alpha_channel(image):
    """A view (H, W) of the picture's alpha, or None."""
    return image[..., -1] if image.ndim == 3 and image.shape[2] in (2, 4) else None


def luminance(image):
    """Luminance of a picture, float32 (H, W) in 0..1 (ITU-R BT.601).

    >>> luminance(np.full((1, 1, 3), 255, np.uint8))
    array([[1.]], dtype=float32)
    """
    colours = colour_channels(image)
    if colours.shape[2] == 1:
        return to_unit(colours[..., 0])
    unit = to_unit(colours)
    return unit[..., 0] * LUMA[0] + unit[..., 1] * LUMA[1] + unit[..., 2] * LUMA[2]


def luminance_and_data(image):
    """The luminance of a picture, and where it has data: bool (H, W), False where it is fully transparent or no number, or None if that is
    nowhere so."""
    plane, alpha = luminance(image), alpha_channel(image)
    seen = None if alpha is None or alpha.all() else alpha != 0
    if image.dtype == np.float32 and not (finite := np.isfinite(plane)).all():
        plane, seen = (
            np.where(finite, plane, np.float32(0)),
            finite if seen is None else seen & finite,
        )
    return plane, seen


def check_mask(mask, shape, name="mask"):
    """`mask` as a contiguous bool array of the first two dimensions of `shape`.

    Raises
    ------
    TypeError
        when it is no bool array.
    ValueError
        when its size is another one.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(
            f"{name} must be a bool array, not {getattr(mask, 'dtype', type(mask).__name__)}"
        )
    if mask.shape != tuple(shape[:2]):
        raise ValueError(
            f"{name} must be {shape[0]} x {shape[1]} like the picture, not {' x '.join(map(str, mask.shape))}"
        )
    return np.ascontiguousarray(mask)


def blend(image, positions, values, weights):
    """Some pixels of a picture, moved towards other values: float32 (N, colours), in the numbers of the image (0..255, 0..65535 or 0..1).

    Parameters
    ----------
    positions : int64 (N,), row * W + column of each pixel.
    values : float32 (N, colours)
    weights : float32 (N,): 0 leaves the pixel, 1 replaces it.
    """
    rows, columns = np.divmod(positions, image.shape[1])
    before = colour_channels(image)[rows, columns].astype(np.float32)
    return before + (values - before) * weights[:, None]


def with_colours(image, positions, values):
    """A copy of a picture with other colours, float32 (N, colours) in its numbers, at `positions`: rounded and clipped to its range.
    float32 is not clipped: it may hold more than white."""
    result = image.copy()
    if image.dtype != np.float32:
        values = np.clip(values, 0, largest(image.dtype)) + np.float32(0.5)
    rows, columns = np.divmod(positions, image.shape[1])
    colour_channels(result)[rows, columns] = values.astype(image.dtype)
    return result


def share_changed(frame, clean, positions):
    """Share of the pixels that differ; they do so only at `positions`, row * W + column of each."""
    differ = pixels(frame)[positions] != pixels(clean)[positions]
    return float(differ.any(axis=1).sum() / (frame.shape[0] * frame.shape[1]))


def put(image, positions, values):
    """Write colours (N, colours) in 0..1 into pixels of a picture, row * W + column of each; those without any data, alpha 0, stay as they are."""
    after = from_unit(values, image.dtype)
    alpha = alpha_channel(image)
    if alpha is not None:
        seen = pixels(image)[positions, -1] != 0
        positions, after = positions[seen], after[seen]
    pixels(image)[positions, : after.shape[1]] = after


def pixels(image):
    """A view of a picture that lies in memory without gaps, (H * W, channels)."""
    return image.reshape(image.shape[0] * image.shape[1], -1)
