"""What notebooks show of a scan or a report: a picture and a table, with nothing in it that names a patient."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

_WIDEST = 320


def picture(grey: npt.NDArray[np.uint8], aspect: float = 1.0) -> str:
    """Make an HTML picture of greys.

    Parameters
    ----------
    grey : (rows, columns) uint8
        0 is black.
    aspect : float
        Height of a pixel in widths of a pixel.
    """
    from PIL import Image

    rows, columns = grey.shape
    scale = _WIDEST / max(columns, rows * aspect)
    size = max(1, round(columns * scale)), max(1, round(rows * aspect * scale))
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).resize(size).save(buffer, "PNG")
    return _image(buffer.getvalue())


def greys(values: npt.NDArray[np.generic], low: float, high: float) -> npt.NDArray[np.uint8]:
    """Spread values from low (black) to high (white)."""
    share = (values.astype(np.float32) - low) / max(high - low, 1e-6)
    grey: npt.NDArray[np.uint8] = (np.clip(share, 0, 1) * 255).astype(np.uint8)
    return grey


def map_of_places(places: Sequence[tuple[float, float, float]], sizes: Sequence[float], names: Sequence[str]) -> str:
    """Draw places as circles of their sizes, as seen from the front: the patient's right at the left, the head up.

    Parameters
    ----------
    places : sequence of (x, y, z)
        LPS mm.
    sizes : sequence of float
        mm.
    names : sequence of str
    """
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (_WIDEST, _WIDEST), 255)
    draw = ImageDraw.Draw(canvas)
    xs, zs = [place[0] for place in places], [place[2] for place in places]
    extent = max(max(xs) - min(xs), max(zs) - min(zs), 100.0) * 1.2
    middle_x, middle_z, scale = (max(xs) + min(xs)) / 2, (max(zs) + min(zs)) / 2, _WIDEST / extent
    for (x, _, z), size, name in zip(places, sizes, names, strict=True):
        column, row = _WIDEST / 2 + (x - middle_x) * scale, _WIDEST / 2 - (z - middle_z) * scale
        radius = max(size / 2 * scale, 3)
        draw.ellipse((column - radius, row - radius, column + radius, row + radius), outline=0, width=2)
        draw.text((column + radius + 2, row - 6), name, fill=0)
    draw.text((4, _WIDEST // 2), "R", fill=96)
    draw.text((_WIDEST - 12, _WIDEST // 2), "L", fill=96)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return _image(buffer.getvalue())


def page(title: str, *parts: str) -> str:
    """Put a title and parts of HTML together."""
    return f"<div><b>{escape(title)}</b><br>{''.join(parts)}</div>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make an HTML table."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _image(png: bytes) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
