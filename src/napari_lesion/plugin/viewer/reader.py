"""Open DICOM in napari: a file, a folder, a DICOMDIR or a zip, as scans that lie where they belong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QThread, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.hounsfield import may_not_be_hu, taken_as_hu
from napari_lesion.dicom.read.progressive import ProgressiveLoading, obstacle
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.session.open_scans import open_scans, volume_in_memory
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import LayerData, patient_key, scan_layer, scan_name
from napari_lesion.plugin.viewer.opening import Opening, follow
from napari_lesion.plugin.viewer.opening_viewer import opening_viewer
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.corners import person_name
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.view import show_doubts
from napari_lesion.plugin.widgets.dialogs import SeriesDialog
from napari_lesion.plugin.widgets.messages import offer, show_error, show_info, show_warning
from napari_lesion.plugin.widgets.parts import is_sure
from napari_lesion.plugin.widgets.task import run_with_dialog, sentence
from napari_lesion.report.folders import is_results
from napari_lesion.support.errors import Cancelled, GapsError, LesionError, SeriesError
from napari_lesion.support.progress import Progress

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.viewer import Viewer

    from napari_lesion.dicom.index.series import Series, SeriesIndex
    from napari_lesion.dicom.read.progressive import ProgressiveLoading
    from napari_lesion.model.volume import SeriesIdentity, Volume

PathOrPaths = str | Path | Sequence[str | Path]

#: Of what was not looked into, or not opened, in one message.
_MOST_NAMED = 5

#: What npe2 and napari take as "read, but there is nothing to show".
NOTHING: list[Any] = [(None,)]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the reader for a path (npe2's hook), or None where nothing is there to read."""
    # nibabel and the codes of DICOM are read where they are needed: the first picture waits for neither.
    paths = [path] if isinstance(path, str | Path) else list(path)
    if paths and all(is_results(Path(one)) for one in paths):
        from napari_lesion.plugin.findings import findings_files

        return findings_files.read
    if paths and all(Path(one).is_file() for one in paths):
        from napari_lesion.plugin.viewer import dicom_objects

        if all(dicom_objects.is_object(Path(one)) for one in paths):
            return dicom_objects.read
    return read if paths and all(Path(one).exists() for one in paths) else None


def read(path: PathOrPaths) -> list[LayerData]:
    """Read the scan, or the scans that the user chooses, below a path.

    Parameters
    ----------
    path : path or sequence of paths
        A file, a folder, a DICOMDIR or a zip; several are read one after the other. A file opens the whole series that
        it belongs to, once.

    Returns
    -------
    list of LayerData
        One image layer a scan, see `layers.scan_layer`.

    Raises
    ------
    LesionError
        If nothing can be opened; the message says why and what to do.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    layers: list[LayerData] = []
    errors: list[LesionError] = []
    try:
        for one in paths:
            if not _is_shown(one, layers):
                try:
                    layers += _read_one(one)
                except LesionError as error:
                    errors.append(error)
    except Cancelled:
        return NOTHING
    if errors and not layers:
        raise errors[0]
    for told in errors:
        show_error(str(told))
    return layers or NOTHING


def _is_shown(path: Path, layers: Sequence[LayerData]) -> bool:
    """Whether a file belongs to a scan that is open: napari hands over one by one what was dropped together."""
    if not path.is_file():
        return False
    viewer = opening_viewer()
    # Also of scans that are not on the screen: files of several may have been dropped in any order.
    sources = [scan.source for scan in open_scans(viewer).scans] if viewer is not None else []
    sources += [attributes["metadata"].get("source") for _, attributes, _ in layers]
    path = path.absolute()
    return any(path == frame.file.path for source in sources if source is not None for frame in source.frames)


def _read_one(path: Path) -> list[LayerData]:
    index = run_with_dialog(
        tr("Looking for scans in {name}", name=path.name),
        lambda progress: find_series(path, progress=progress),
        _window(),
    )
    if not index:
        why = f" ({said.rstrip('.')})" if (said := _passed_over(index)) else ""
        raise SeriesError(f"{path}: there is no DICOM image in it{why}. Choose the folder of a CT series.")
    chosen, rest = _choose(index)
    layers = open_series(chosen)
    if index.left_out:
        show_warning(not_looked_into(index.left_out))
    if rest:
        _offer_rest(chosen[0], rest)
    return layers


def open_series(chosen: Sequence[Series]) -> list[LayerData]:
    """Read some series as layers; a bad one is told and does not keep the others from opening."""
    layers: list[LayerData] = []
    errors: list[LesionError] = []
    for series in chosen:
        # Nobody reads twice what is open: its viewer brings it back, another viewer shows the same voxels.
        if (known := volume_in_memory(series)) is not None:
            layers.append(scan_layer(known, series))
            continue
        try:
            volume = _read_volume(series)
        except LesionError as error:
            errors.append(error)
            continue
        if (viewer := opening_viewer()) is not None:
            scan_view(viewer)
            follow(viewer)
        show_doubts(volume)
        layers.append(scan_layer(volume, series))
    if errors and not layers:
        raise errors[0]
    for one in errors:
        show_error(str(one))
    return layers


def _read_volume(series: Series) -> Volume:
    """Read a series: to the end where a script waits, its first slice where a person does and the headers allow."""
    title = tr("Reading {name}", name=scan_name(series.identity))
    if _somebody_is_there():
        begun = run_with_dialog(title, partial(_begin, series), _window())
        if not isinstance(begun, str):
            if is_hu := _is_hu(series, begun.volume):
                begun.take_as_hu()
            Opening(begun, partial(_open_whole, series, is_hu)).start()
            return begun.volume
        title += "\n" + tr("It is shown when all of it is read, because {why}.", why=begun)
    volume = _read_whole(series, title)
    return taken_as_hu(volume) if _is_hu(series, volume) else volume


def _begin(series: Series, progress: Progress) -> ProgressiveLoading | str:
    """Read the first slice, or say why the series can only be read as a whole."""
    progress(0, 1, "")
    why = obstacle(series)
    try:
        return why or ProgressiveLoading(series)
    except MemoryError:
        return "memory is short"


def _read_whole(series: Series, title: str) -> Volume:
    def work(progress: Progress, allow_gaps: bool) -> Volume:
        return read_series(series, allow_gaps=allow_gaps, progress=progress)

    try:
        return run_with_dialog(title, partial(work, allow_gaps=False), _window())
    except GapsError as error:
        # Interpolated slices are no image of the patient: only a person may ask for them.
        if not _somebody_is_there() or not _confirm_gaps(sentence(error)):
            raise
        return run_with_dialog(title, partial(work, allow_gaps=True), _window())


def _open_whole(series: Series, is_hu: bool, viewers: Sequence[ViewerModel]) -> None:
    """Open a series again that turned out to be one to read as a whole."""
    try:
        volume = _read_whole(series, tr("Reading {name}", name=scan_name(series.identity)))
        volume = taken_as_hu(volume) if is_hu else volume
    except Cancelled:
        return
    except LesionError as error:
        show_error(sentence(error))
        return
    for viewer in viewers:
        add_layers(viewer, [scan_layer(volume, series)])


def add_layers(viewer: ViewerModel, layers: Sequence[LayerData]) -> None:
    """Add to a viewer what a reader returned."""
    for data, attributes, kind in layers:
        getattr(viewer, f"add_{kind}")(data, **attributes)


def _choose(index: SeriesIndex) -> tuple[list[Series], list[Series]]:
    """Let the user choose among several series; where nobody can, take the largest CT volume, and tell the rest."""
    series = list(index)
    if len(series) == 1:
        return series, []
    preferred = max(range(len(series)), key=lambda row: worth(series[row]))
    if _somebody_is_there():
        return _choose_series(series, preferred, _passed_over(index)), []
    return [series[preferred]], [one for row, one in enumerate(series) if row != preferred]


def _offer_rest(opened: Series, rest: Sequence[Series]) -> None:
    """Show what was not opened, and offer it.

    Last of all, when the scan is there: napari shows one message over the other, and the button must not be covered.
    """
    viewer = opening_viewer()
    if viewer is None:
        show_info(_rest_text(opened, rest, names=False))  # a script's output may be kept
    else:
        message = _rest_text(opened, rest, names=reading_tools(session_of(viewer)).names)
        others_action = tr("Choose others…"), lambda *_: _open_more(viewer, rest)
        QTimer.singleShot(0, lambda: offer(message, others_action))


def _rest_text(opened: Series, rest: Sequence[Series], *, names: bool) -> str:
    """Describe what was opened, and what was not: by patient where there are several, unless nobody is to be named."""
    name, count, own = scan_name(opened.identity), 1 + len(rest), patient_key(opened.identity)
    left = Counter(patient_key(one.identity) for one in rest)
    patients = len({own, *left})
    if patients == 1:
        others = _listed([scan_name(one.identity) for one in rest])
        return tr(
            "Opened {name}, the largest of {count} series. Not opened: {others}.",
            name=name,
            count=count,
            others=others,
        )
    if not names:
        return tr(
            "Opened {name}, the largest of {count} series of {patients} patients.",
            name=name,
            count=count,
            patients=patients,
        )
    who = {patient_key(one.identity): _patient(one.identity) for one in (*rest, opened)}
    return tr(
        "Opened {name} of {patient}, the largest of {count} series of {patients} patients. Not opened: {others}.",
        name=name,
        patient=who[own],
        count=count,
        patients=patients,
        others=_listed([tr("{patient} ({count} series)", patient=who[key], count=n) for key, n in left.items()]),
    )


def _patient(identity: SeriesIdentity) -> str:
    """Name a patient, with the number: two may have one name."""
    named = dict.fromkeys(part for part in (person_name(identity.patient_name), identity.patient_id) if part)
    return " · ".join(named) or tr("no name")


def _listed(names: Sequence[str]) -> str:
    """List names, and how many there are that there is no room for."""
    said = "; ".join(names[:_MOST_NAMED])
    left = len(names) - _MOST_NAMED
    return tr("{names} and {count} more", names=said, count=left) if left > 0 else said


def worth(series: Series) -> tuple[bool, bool, int]:
    """Order of preference: volumes before single images and localizers, CT before the rest, many images first."""
    return series.kind == "volume", series.identity.modality == "CT", series.n_slices


def _choose_series(series: Sequence[Series], preferred: int, note: str) -> list[Series]:
    dialog = SeriesDialog(series, preferred, note, parent=_window())
    try:
        if not dialog.exec() or not dialog.chosen:
            raise Cancelled
        return [series[row] for row in dialog.chosen]
    finally:
        dialog.deleteLater()


def _open_more(viewer: Viewer, series: Sequence[Series]) -> None:
    try:
        layers = open_series(_choose_series(series, 0, ""))
    except Cancelled:
        return
    except LesionError as error:
        show_error(sentence(error))
        return
    add_layers(viewer, layers)


def _passed_over(index: SeriesIndex) -> str:
    """Describe what else was found below a path: first what may hold scans, then what does not."""
    said = [not_looked_into(index.left_out)] if index.left_out else []
    skipped = [one for one in index.skipped if one not in index.left_out]
    if skipped:
        first = f"{skipped[0][0].name}: {skipped[0][1]}"
        count = len(skipped)
        said.append(first if count == 1 else tr("{count} files were skipped; {first}", count=count, first=first))
    return " ".join(said)


def not_looked_into(left_out: Sequence[tuple[Path, str]]) -> str:
    """Describe what may hold scans and could not be looked into, with the reasons."""
    named = "; ".join(f"{path.name}: {in_language(reason).rstrip('.')}" for path, reason in left_out[:_MOST_NAMED])
    more = len(left_out) - _MOST_NAMED
    if more > 0:
        named = tr("{names}; and {count} more", names=named, count=more)
    return tr("Not looked into, though there may be scans in it: {names}.", names=named)


def _confirm_gaps(problem: str) -> bool:
    return is_sure(
        _window(),
        tr("Slices are missing"),
        tr(
            "{problem}\n\nOpen the scan with the missing slices interpolated? They will be marked in its certificate.",
            problem=problem,
        ),
        enter=True,
    )


def _is_hu(series: Series, volume: Volume) -> bool:
    """Whether a person says that values are HU of which the headers do not say so."""
    asked = may_not_be_hu(volume) and series.kind != "localizer" and _somebody_is_there()
    return asked and _confirm_hu(scan_name(volume.series), " ".join(map(in_language, volume.certificate.notes)))


def _confirm_hu(name: str, why: str) -> bool:
    return is_sure(
        _window(),
        tr("Are these values HU?"),
        tr(
            "{name}: nothing says that the values of this CT are HU, and without HU nothing is searched or measured "
            "in it. {why}\n\nDo you know that they are HU? If so, they are taken as such, and the certificate says "
            "that they were.",
            name=name,
            why=why,
        ),
    )


def _somebody_is_there() -> bool:
    """Whether a question would be answered: a window is open and its event loop runs (not so in a script)."""
    if QApplication.instance() is None or opening_viewer() is None:
        return False
    return bool(QThread.currentThread().loopLevel() > 0)


def _window() -> QWidget | None:
    viewer = opening_viewer()
    # The only handle that napari gives to its main window.
    return viewer.window._qt_window if viewer is not None else None
