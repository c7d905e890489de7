"""A small image as bytes: 8-bit palette PNG in the cividis colors."""

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_HEX = (
    "00224e 00285b 002e6a 053371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 535a6d "
    "5a5f6e 61656f 686a71 6f7073 767676 7d7c78 848279 8c8878 938e78 9b9476 a39a74 "
    "aba072 b4a76f bcae6c c4b468 cdbb63 d5c25e dec958 e7d150 f0d846 f9e03a fee838 "
)
"""Colors of cividis (Nunez, Anderton, Renslow, PLoS ONE 2018), evenly spaced: dark to light for
everybody, with or without color vision."""

_STOPS = np.array([list(bytes.fromhex(stop)) for stop in _HEX.split()], dtype=np.float64)


def cividis() -> NDArray[np.uint8]:
    """Return 256 colors of cividis, shape (256, 3), RGB."""
    place = np.arange(256) / 255 * (len(_STOPS) - 1)
    channels = [np.interp(place, np.arange(len(_STOPS)), _STOPS[:, k]) for k in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(levels: NDArray[np.uint8]) -> bytes:
    """Return a PNG of `levels`, shape (rows, columns), each an index into the colors."""
    rows, columns = levels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    raw = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(levels))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", cividis().tobytes()),
            _chunk(b"IDAT", zlib.compress(raw, 9)),
            _chunk(b"IEND", b""),
        )
    )


def png_uri(values: NDArray[np.float64], high: float) -> str:
    """Return `values`, shape (rows, columns), from 0 to `high`, as a PNG data URI.

    What is not a number is shown as the lowest color.
    """
    share = np.nan_to_num(values / high if high > 0 else np.zeros_like(values))
    levels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(png_bytes(levels)).decode("ascii")
