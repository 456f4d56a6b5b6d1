"""A form for the plain fields of a configuration, made from the model that checks it."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QWidget

from napari_lesion.support.atomic import whole_file
from napari_lesion.support.bounded import parse_yaml, read_text
from napari_lesion.training.config.detector import TrainingConfig, read_config

_HIDDEN = ("folds", "tensorboard")
"""Of no use here: folds are trained on the command line."""


class ConfigForm(QWidget):
    """Plain fields of a detector's configuration and of its optimiser; all else stays as the file has it."""

    def __init__(self) -> None:
        super().__init__()
        self._content: dict[str, Any] = {}
        self.path: Path | None = None
        self.fields: dict[str, QWidget] = {}
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    def load(self, path: Path) -> None:
        """Show a configuration.

        Raises
        ------
        ConfigError
            If it is wrong.
        """
        config = read_config(path)
        self.clear()
        self._content, self.path = parse_yaml(read_text(path)), path
        for name, model in (("", config), ("optimiser", config.optimiser)):
            for field, about in type(model).model_fields.items():
                self._add(f"{name}.{field}".lstrip("."), about.annotation, getattr(model, field), about.description)

    def clear(self) -> None:
        """Show none."""
        while self._layout.rowCount():
            self._layout.removeRow(0)
        self.fields, self._content, self.path = {}, {}, None

    def _add(self, name: str, kind: Any, value: Any, tip: str | None) -> None:
        if name in _HIDDEN or isinstance(value, (BaseModel, tuple)):
            return
        field: QWidget
        choices = _choices(kind)
        if kind is bool:
            field = QCheckBox()
            field.setChecked(bool(value))
        elif choices:
            field = QComboBox()
            field.addItems(choices)
            field.setCurrentText(str(value))
        else:
            field = QLineEdit("" if value is None else str(value))
        field.setAccessibleName(name)
        field.setToolTip(tip or name)
        self.fields[name] = field
        self._layout.addRow(name.replace("optimiser.", "").replace("_", " "), field)

    @property
    def original(self) -> dict[str, Any]:
        """The configuration as the file has it."""
        return self._content

    def changed(self) -> dict[str, Any]:
        """Give the configuration with what was entered."""
        content = {**self._content}
        before = TrainingConfig.model_validate(self._content)
        for name, field in self.fields.items():
            *outer, inner = name.split(".")
            model: Any = before
            for part in outer:
                model = getattr(model, part)
            value = _value_of(field)
            if value == ("" if getattr(model, inner) is None else str(getattr(model, inner))):
                continue
            place = content
            for part in outer:
                place[part] = {**place.get(part, {})}
                place = place[part]
            place[inner] = yaml.safe_load(value) if value else None
        return content

    def write(self, path: Path) -> None:
        """Write the configuration with what was entered beside the one it was made of, so that its paths stay right.

        Raises
        ------
        ConfigError
            If what was entered is wrong; nothing is written then.
        """
        assert self.path is not None
        with whole_file(path) as new:
            new.write_text(yaml.safe_dump(self.changed(), sort_keys=False, allow_unicode=True), encoding="utf-8")
            read_config(new)


def _value_of(field: QWidget) -> str:
    if isinstance(field, QCheckBox):
        return str(field.isChecked())
    if isinstance(field, QComboBox):
        return field.currentText()
    assert isinstance(field, QLineEdit)
    return field.text().strip()


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(one) for one in get_args(kind)]
    if get_origin(kind) in (Union, types.UnionType):
        return next((found for one in get_args(kind) if (found := _choices(one))), [])
    return []
