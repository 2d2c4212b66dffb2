"""Pictures as arrays: checks, and conversion to and from the range 0..1.

All calculations use 0..1.
A picture is (H, W) or (H, W, C) with 1 to 4 channels. With 2 and with 4 channels the last is alpha.
Its dtype is uint8 or uint16 (0 to the dtype's largest value) or float32 (0..1).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels

Picture = npt.NDArray[Any]  # (H, W) or (H, W, C): uint8, uint16 or float32
Grey = npt.NDArray[Any]  # (H, W): uint8, uint16 or float32
Plane = npt.NDArray[np.float32]  # (H, W), usually 0..1
Mask = npt.NDArray[np.bool_]  # (H, W), True = dust, or the region in question
Positions = npt.NDArray[np.int64]  # (N,), row * W + column of each of N pixels
Labels = npt.NDArray[np.int32]  # (N,), number of the particle of each pixel; or (N, 4), neighbours
Values = npt.NDArray[np.float32]  # (N,) or (N, colours), one value for each of N pixels

DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))

# Weights of red, green and blue in luminance, ITU-R BT.601. JPEG's first channel is made with them.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def check_image(image: object, name: str = "image") -> Picture:
    """`image` as an array, if it is a picture.

    Parameters
    ----------
    image : object
        The argument to check.
    name : str
        What messages call it.

    Returns
    -------
    ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        `image` itself.

    Raises
    ------
    TypeError
        If it is not an array, or has another dtype.
    ValueError
        If its shape is not that of a picture, or it is empty.

    Examples
    --------
    >>> import numpy as np
    >>> check_image(np.zeros((4, 6, 3), np.uint8)).shape
    (4, 6, 3)
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


def largest(dtype: npt.DTypeLike) -> float:
    """The value that stands for 1.0 in a picture of this dtype.

    >>> import numpy as np
    >>> largest(np.uint16), largest(np.float32)
    (65535.0, 1.0)
    """
    kind = np.dtype(dtype)
    return 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)


def to_unit(image: Picture) -> Plane:
    """A picture as float32 in 0..1, of the same shape."""
    return (
        image.astype(np.float32)
        if image.dtype == np.float32
        else image.astype(np.float32) / np.float32(largest(image.dtype))
    )


def from_unit(values: npt.ArrayLike, dtype: npt.DTypeLike) -> Picture:
    """Values in 0..1 as a picture of `dtype`, rounded and clipped; float32 stays as it is."""
    if np.dtype(dtype) == np.float32:
        return np.asarray(values, np.float32)
    scale = np.float32(largest(dtype))
    return np.asarray((np.clip(values, 0, 1) * scale + np.float32(0.5)).astype(dtype))


def colour_channels(image: Picture) -> Picture:
    """A view of the picture without its alpha, shape (H, W, 1) or (H, W, 3)."""
    image = image if image.ndim == 3 else image[..., None]
    return image[..., : 3 if image.shape[2] >= 3 else 1]


def alpha_channel(image: Picture) -> Picture | None:
    """A view of the picture's alpha, shape (H, W); None if it has none."""
    return image[..., -1] if image.ndim == 3 and image.shape[2] in (2, 4) else None


def luminance(image: Picture) -> Plane:
    """Luminance of a picture (ITU-R BT.601), in 0..1.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)

    Returns
    -------
    ndarray of float32, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> luminance(np.full((1, 1, 3), 255, np.uint8))
    array([[1.]], dtype=float32)
    """
    colours = colour_channels(image)
    if colours.shape[2] == 1:
        return to_unit(colours[..., 0])
    unit = to_unit(colours)
    plane: Plane = unit[..., 0] * LUMA[0] + unit[..., 1] * LUMA[1] + unit[..., 2] * LUMA[2]
    return plane


def compact_luminance_and_data(image: Picture) -> tuple[Grey, Mask | None]:
    """Luminance of a picture in whole numbers, if the picture has such, and where it has data.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)

    Returns
    -------
    luminance : ndarray of uint8, uint16 or float32, shape (H, W)
        Contiguous, in the range of its dtype. That of colours in 8 bit has 16 bit. A grey picture
        comes back as it is.
    has_data : ndarray of bool, shape (H, W), or None
        As of `luminance_and_data`.

    Examples
    --------
    >>> import numpy as np
    >>> compact_luminance_and_data(np.full((1, 1, 3), 255, np.uint8))
    (array([[65535]], dtype=uint16), None)
    """
    colours = colour_channels(image)
    plane: Grey = (
        np.ascontiguousarray(colours[..., 0])
        if colours.shape[2] == 1
        else _kernels.luminance(np.ascontiguousarray(image), 1)
    )
    return _with_data(plane, image)


def luminance_and_data(image: Picture) -> tuple[Plane, Mask | None]:
    """Luminance of a picture, and where the picture has data.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)

    Returns
    -------
    luminance : ndarray of float32, shape (H, W)
        In 0..1; 0 where a value is not finite.
    has_data : ndarray of bool, shape (H, W), or None
        False where the picture is fully transparent or not finite; None if it has data everywhere.
    """
    return _with_data(luminance(image), image)


def _with_data(plane: Grey, image: Picture) -> tuple[Grey, Mask | None]:
    """The luminance of a picture, 0 where it is not finite, and where the picture has data."""
    alpha = alpha_channel(image)
    has_data: Mask | None = None if alpha is None or alpha.all() else alpha != 0
    if image.dtype == np.float32 and not (finite := np.isfinite(plane)).all():
        plane = np.where(finite, plane, np.float32(0))
        has_data = finite if has_data is None else has_data & finite
    return plane, has_data


def check_mask(mask: object, shape: Sequence[int], name: str = "mask") -> Mask:
    """`mask` as a contiguous array, if it fits a picture.

    Parameters
    ----------
    mask : object
        The argument to check.
    shape : sequence of int
        Shape of the picture; its first two entries count.
    name : str
        What messages call the mask.

    Returns
    -------
    ndarray of bool, shape (H, W)

    Raises
    ------
    TypeError
        If it is not an array of bool.
    ValueError
        If its size differs from the picture's.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(
            f"{name} must be a bool array, not {getattr(mask, 'dtype', type(mask).__name__)}"
        )
    if mask.shape != tuple(shape[:2]):
        size = " x ".join(map(str, mask.shape))
        raise ValueError(f"{name} must be {shape[0]} x {shape[1]} like the picture, not {size}")
    return np.ascontiguousarray(mask)


def blend(image: Picture, positions: Positions, values: Values, weights: Values) -> Values:
    """Colours of some pixels, moved towards other values.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
    positions : ndarray of int64, shape (N,)
        row * W + column of each pixel.
    values : ndarray of float32, shape (N, colours)
        In the range of the picture's dtype (0..255, 0..65535 or 0..1).
    weights : ndarray of float32, shape (N,)
        0 leaves a pixel, 1 replaces it.

    Returns
    -------
    ndarray of float32, shape (N, colours)
        In the range of the picture's dtype.
    """
    rows, columns = np.divmod(positions, image.shape[1])
    before = colour_channels(image)[rows, columns].astype(np.float32)
    moved: Values = before + (values - before) * weights[:, None]
    return moved


def with_colours(image: Picture, positions: Positions, values: Values) -> Picture:
    """A copy of a picture with other colours at some pixels; see `put_colours`.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
    positions, values : ndarray
        As of `put_colours`.

    Returns
    -------
    ndarray like `image`
    """
    result: Picture = np.array(image, order="C")
    put_colours(result, positions, values)
    return result


def put_colours(image: Picture, positions: Positions, values: Values) -> None:
    """Write colours into some pixels of a picture.

    Values are rounded and clipped to the range of the dtype. float32 is not clipped, as it may hold
    more than white.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
        Contiguous; it is changed.
    positions : ndarray of int64, shape (N,)
        row * W + column of each pixel.
    values : ndarray of float32, shape (N, colours)
        In the range of the picture's dtype.
    """
    if image.dtype != np.float32:
        values = np.clip(values, 0, largest(image.dtype)) + np.float32(0.5)
    pixels(image)[positions, : values.shape[1]] = values.astype(image.dtype)


def differing(one: Picture, other: Picture) -> Mask:
    """Which pixels of two pictures of one shape differ in any channel, shape (H, W).

    >>> import numpy as np
    >>> differing(np.uint8([[[1, 2], [3, 4]]]), np.uint8([[[1, 2], [3, 5]]]))
    array([[False,  True]])
    """
    result = np.empty(one.shape[:2], bool)
    for y, (row, row_of_other) in enumerate(zip(one, other, strict=True)):
        differ = row != row_of_other
        result[y] = differ if differ.ndim == 1 else differ.any(axis=1)
    return result


def put(image: Picture, positions: Positions, values: Values) -> None:
    """Write colours into some pixels of a picture. Pixels without data (alpha 0) stay as they are.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
        Contiguous; it is changed.
    positions : ndarray of int64, shape (N,)
        row * W + column of each pixel.
    values : ndarray of float32, shape (N, colours)
        In 0..1.
    """
    after = from_unit(values, image.dtype)
    if alpha_channel(image) is not None:
        has_data = pixels(image)[positions, -1] != 0
        positions, after = positions[has_data], after[has_data]
    pixels(image)[positions, : after.shape[1]] = after


def pixels(image: Picture) -> Picture:
    """A view of a contiguous picture as a list of pixels, shape (H * W, channels)."""
    flat: Picture = image.reshape(image.shape[0] * image.shape[1], -1)
    return flat
