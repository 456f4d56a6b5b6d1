"""The table of keys: no key does two things, and every action says what it does."""

from __future__ import annotations

from collections import defaultdict

from napari.utils.key_bindings import coerce_keybinding

from napari_lesion.plugin.viewer.actions import MODULES, actions


def test_no_key_does_two_things() -> None:
    bound = defaultdict(list)
    for action in actions():
        if action.key:
            bound[str(coerce_keybinding(action.key))].append(action.id)
    assert bound
    assert {key: ids for key, ids in bound.items() if len(ids) > 1} == {}


def test_every_action_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert len(set(MODULES)) == len(MODULES)
    every = list(actions())
    assert len({action.id for action in every}) == len(every)
    for action in every:
        assert action.text.strip(), action.id
        assert action.group, action.id
        assert "." in action.id, action.id
