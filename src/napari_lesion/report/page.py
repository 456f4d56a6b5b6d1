"""HTML pages that need no other file, out of the templates beside this module; every value is escaped."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from napari_lesion.support.atomic import whole_file

Filters = Mapping[str, Callable[..., Any]]


def save_page(path: Path, template: str, values: Mapping[str, Any], filters: Filters = MappingProxyType({})) -> None:
    """Fill in a template and write the page, whole or not at all.

    Parameters
    ----------
    path : Path
    template : str
        Its file name.
    values : mapping
        What it names; strings are escaped unless they are `markupsafe.Markup`.
    filters : mapping
        Functions that it uses, besides ``base64`` for bytes.
    """
    environment = Environment(
        loader=PackageLoader("napari_lesion.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode("ascii")
    environment.filters.update(filters)
    page = environment.get_template(template).render(values)
    with whole_file(path, private=True) as temporary:
        temporary.write_text(page, encoding="utf-8")
