"""Draws the sample data set: circles, squares and triangles, 16 x 16 pixels each. Needs Python alone; draws the same every time."""

import pathlib
import struct
import zlib

SIZE = 16
COLOURS = [(214, 69, 65), (30, 130, 76), (31, 58, 147), (243, 156, 18)]
SHAPES = {
    "circle": lambda x, y, r: x * x + y * y <= r * r,
    "square": lambda x, y, r: max(abs(x), abs(y)) <= r * 0.85,
    "triangle": lambda x, y, r: -r <= y <= r * 0.8 and abs(x) <= (y + r) * 0.55,
}


def chunk(kind: bytes, body: bytes) -> bytes:
    checked = kind + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(inside, colour, radius, centre) -> bytes:
    rows = bytearray()
    for y in range(SIZE):
        rows.append(0)
        for x in range(SIZE):
            hit = inside(x - centre[0], y - centre[1], radius)
            rows += bytes(colour if hit else (250, 250, 245))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def main() -> None:
    shapes = pathlib.Path(__file__).parent / "shapes"
    for name, inside in SHAPES.items():
        folder = shapes / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, colour in enumerate(COLOURS):
            drawn = png(inside, colour, 4 + number, (7 + number % 2, 8 - number // 2))
            (folder / f"{number + 1:02}.png").write_bytes(drawn)


main()
