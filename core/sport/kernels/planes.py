"""Bytes of one place side by side: of words that count little, the high ones are long runs of 0."""

import numba
import numpy as np

WORD = 8
BYTES = [numba.types.Array(numba.uint8, ndim, "C", readonly=True) for ndim in (1, 2)]


@numba.njit(numba.void(BYTES[0], numba.uint8[:, ::1]), nogil=True, cache=True)
def apart(whole, planes):  # type: ignore[no-untyped-def]
    """Byte k of each word of eight to plane k."""
    for i in range(planes.shape[1]):
        for k in range(WORD):
            planes[k, i] = whole[WORD * i + k]


@numba.njit(numba.void(BYTES[1], numba.uint8[::1]), nogil=True, cache=True)
def together(planes, whole):  # type: ignore[no-untyped-def]
    """Undo `apart`."""
    for i in range(planes.shape[1]):
        for k in range(WORD):
            whole[WORD * i + k] = planes[k, i]


def split(body: bytes) -> np.ndarray:
    """The bytes by their place in words of eight; what is left over at the end stays there."""
    words, planes = len(body) // WORD, np.empty(len(body), np.uint8)
    whole, cut = np.frombuffer(body, np.uint8), words * WORD
    apart(whole[:cut], planes[:cut].reshape(WORD, words))
    planes[cut:] = whole[cut:]
    return planes


def join(planes: bytes) -> np.ndarray:
    """Undo `split`; uint8."""
    words, whole = len(planes) // WORD, np.empty(len(planes), np.uint8)
    placed, cut = np.frombuffer(planes, np.uint8), words * WORD
    together(placed[:cut].reshape(WORD, words), whole[:cut])
    whole[cut:] = placed[cut:]
    return whole
