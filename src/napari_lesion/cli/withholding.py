"""Names kept out of all that a command prints, for as long as it runs."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_lesion.report.withheld import Withheld


@contextmanager
def withholding(wanted: bool, paths: Iterable[Path | None] = ()) -> Iterator[Withheld | None]:
    """Keep names out of what is printed by this process and the decoders that it starts; afterwards all is as before.

    Parameters
    ----------
    wanted : bool
        False: nothing is kept out, and None is given.
    paths : iterable of Path or None
        That were given to the command, and are often called after patients.

    Yields
    ------
    Withheld or None
        What learns which words are names. Those that it knows are taken out of errors, too.
    """
    if not wanted:
        yield None
        return
    from napari_lesion.report.withheld import Withheld

    withheld, quiet = Withheld(), "PYTHONWARNINGS"
    for path in filter(None, paths):
        withheld.learn_path(path)
    handlers, before = list(logging.getLogger().handlers), os.environ.get(quiet)
    for handler in handlers:
        handler.addFilter(withheld)
    os.environ[quiet] = "ignore"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's quote the values
            yield withheld
    except Exception as error:
        error.args = tuple(withheld.clear(one) if isinstance(one, str) else one for one in error.args)
        raise
    finally:
        for handler in handlers:
            handler.removeFilter(withheld)
        if before is None:
            del os.environ[quiet]
        else:
            os.environ[quiet] = before
