"""How a de-identification is asked for: what it keeps and cleans, and with which key. Made of the data of the core."""

from __future__ import annotations

from dataclasses import fields

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.deidentification.options import PROFILES, Options
from napari_lesion.deidentification.release import KeyFile
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.widgets.path_row import PathRow
from napari_lesion.plugin.widgets.sections import Section

_TITLES = {
    "retain_dates_shifted": (
        N_("Dates, moved"),
        N_("All dates of a patient move by the same days; intervals stay exact"),
    ),
    "retain_patient_characteristics": (N_("Age, sex, size, weight"), N_("Ages over 89 become 90")),
    "retain_device": (N_("Device"), N_("Station, serial number and the like")),
    "retain_institution": (N_("Institution"), N_("Name and address of the hospital")),
    "retain_safe_private": (N_("Safe private values"), N_("Numbers of PS3.15 E.3.10: dose, pitch, SUV factors")),
    "retain_uids": (N_("UIDs"), N_("They lead to the patient for whoever has the archive")),
    "clean_descriptors": (N_("Descriptions"), N_("Words of a list that name nobody stay")),
    "clean_faces": (N_("Faces"), N_("CT of heads without the face; other images of heads are left out")),
    "clean_graphics": (N_("Drawings"), N_("Lines and regions of presentation states stay, without texts")),
    "clean_pixels": (N_("Text in pixels"), N_("Text that is found is masked; without this, the image is left out")),
    "clean_structured_content": (N_("Structured reports"), N_("Words of a list that name nobody stay")),
}
"""Of the options of the core; one that is not here is called by its name."""
NEW, OPEN, NONE = "new", "open", "none"
_CHOSEN = "deidentify/options"


class OptionsForm(QWidget):
    """The profile, and a box for each option that the core has."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.profile = QComboBox()
        self.profile.setAccessibleName(tr("Profile"))
        for name in PROFILES:
            self.profile.addItem(tr("Basic (DICOM PS3.15)") if name == "basic" else name, name)
        self.boxes: dict[str, QCheckBox] = {}
        chosen: list[str] = setting(_CHOSEN, [])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.profile)
        for kind, heading in (("retain", tr("Keep")), ("clean", tr("Clean instead of removing"))):
            layout.addWidget(QLabel(f"<b>{heading}</b>"))
            for one in fields(Options):
                if not one.name.startswith(kind):
                    continue
                title, tip = _TITLES.get(one.name, (one.name.replace("_", " "), ""))
                self.boxes[one.name] = box = QCheckBox(tr(title))
                box.setToolTip(tr(tip) if tip else one.name)
                box.setChecked(one.name in chosen)
                box.toggled.connect(lambda _on: store(_CHOSEN, [n for n, b in self.boxes.items() if b.isChecked()]))
                layout.addWidget(box)

    @property
    def options(self) -> Options:
        """What is chosen."""
        return Options(**{name: box.isChecked() for name, box in self.boxes.items()})


class KeyForm(QWidget):
    """The key: thrown away, made new, or opened; a passphrase is never kept."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = QComboBox()
        self.choice.setAccessibleName(tr("Key"))
        for what, text in (
            (NONE, tr("None: nobody can go back")),
            (NEW, tr("Make a new key file")),
            (OPEN, tr("Open a key file")),
        ):
            self.choice.addItem(text, what)
        self.choice.setToolTip(tr("The same key gives the same pseudonyms again, and leads back to the patients"))
        self.file = PathRow(tr("Key file"), "file")
        self.passphrase, self.again = _secret(tr("Passphrase")), _secret(tr("Passphrase again"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in (self.choice, self.file, self.passphrase, self.again):
            layout.addWidget(widget)
        self.choice.currentIndexChanged.connect(self._follow)
        self._follow()

    def _follow(self, _index: int = 0) -> None:
        what = self.choice.currentData()
        self.file.setVisible(what != NONE)
        self.file.kind = "new" if what == NEW else "file"
        self.passphrase.setVisible(what != NONE)
        self.again.setVisible(what == NEW)

    def problem(self) -> str:
        """Describe what is missing; "" where nothing is."""
        what, path = self.choice.currentData(), self.file.path
        if what == NONE:
            return ""
        if path is None:
            return tr("Say where the key file is.")
        if what == OPEN and not path.is_file():
            return tr("There is no key file {name}.", name=path.name)
        if what == NEW and path.exists():
            return tr("{name} is there already; a key is never written over.", name=path.name)
        if not self.passphrase.text():
            return tr("Type the passphrase of the key.")
        if what == NEW and self.passphrase.text() != self.again.text():
            return tr("The two passphrases differ.")
        return ""

    @property
    def key(self) -> KeyFile | None:
        """What is chosen; None for a key that is thrown away."""
        path = self.file.path
        if self.choice.currentData() == NONE or path is None:
            return None
        return KeyFile(path, self.passphrase.text())

    def written(self) -> None:
        """Go on with a key that is a file now."""
        if self.choice.currentData() == NEW:
            self.choice.setCurrentIndex(self.choice.findData(OPEN))
        self.again.clear()


class RequestDialog(QDialog):
    """Asks how what is exported is to be de-identified."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("De-identify what is exported"))
        self.options, self.key = OptionsForm(), KeyForm()
        self.out = PathRow(tr("New folder for what may leave"), "folder")
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        ok, cancel = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel
        self.buttons = QDialogButtonBox(ok | cancel)
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow(tr("Key"), self.key)
        form.addRow(tr("Where to"), self.out)
        how = Section("", tr("What stays"), open_=False)
        how.rows.addWidget(self.options)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(how)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.resize(460, 200)

    def _accept(self) -> None:
        said = self.key.problem() or ("" if self.out.path else tr("Say where it goes."))
        self.problem.setText(said)
        if not said:
            self.accept()


def _secret(name: str) -> QLineEdit:
    line = QLineEdit()
    line.setEchoMode(QLineEdit.EchoMode.Password)
    line.setAccessibleName(name)
    line.setPlaceholderText(name)
    return line
