"""The program of the jobs of `render_pictures.py`: computes a strip of a picture, or joins the strips to a PNG."""

from __future__ import annotations

import math
import os
import struct
import sys
import zlib
from pathlib import Path

# Without bubblewrap, mapped paths are below this directory. With it, they are the literal paths.
ROOT = os.environ.get("BATCH_COMPUTE_ROOT", "")
CENTER, SIZE, DEPTH = (-0.7453, 0.1127), 0.0065, 220


def color(steps: float) -> bytes:
    """Return a pixel: a point inside is black, and the colors outside run through a circle."""
    if steps >= DEPTH:
        return b"\0\0\0"
    turn = math.sqrt(steps) * 0.55
    return bytes(int(127.5 * (1 - math.cos(turn + shift))) for shift in (0.0, 0.6, 1.2))


def strip(number: int, strips: int, width: int, height: int) -> None:
    rows = bytearray()
    for y in range(number * height // strips, (number + 1) * height // strips):
        rows.append(0)  # the filter of a row of PNG: none
        for x in range(width):
            c = complex(
                CENTER[0] + SIZE * (x - width / 2) / height, CENTER[1] + SIZE * (y - height / 2) / height
            )
            z, steps = c, 0
            while steps < DEPTH and z.real * z.real + z.imag * z.imag < 64:
                z, steps = z * z + c, steps + 1
            smooth = steps + 1 - math.log2(math.log2(abs(z))) if steps < DEPTH else DEPTH
            rows += color(max(smooth, 0.0))
    Path(f"{ROOT}/home/strips/{number:04}").write_bytes(rows)


def join(width: int, height: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(path.read_bytes() for path in sorted(Path(f"{ROOT}/home/strips").iterdir()))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    Path(f"{ROOT}/home/picture/fractal.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[2:]]
    if sys.argv[1] == "strip":
        strip(int(os.environ["BATCH_COMPUTE_DAG_INSTANCE_ID"]), *numbers)
    else:
        join(*numbers)
