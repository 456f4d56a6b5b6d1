"""JSON and YAML that want to do harm, or are merely odd, are answered with one kind of error, at once."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from napari_lesion.models.packages import read_description
from napari_lesion.support.bounded import DEEPEST, UnreadableError, parse_json, parse_yaml, read_text
from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.support.errors import ConfigError, ModelError
from napari_lesion.training.config.options import network_of

BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {k0: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: 1}}\n" for n in range(1, 12)
)
CHAIN = "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, DEEPEST + 5))
BAD_YAML = {
    "deep lists": "[" * 50_000,
    "deep mappings": "{a: " * 50_000,
    "deep blocks": "".join("- " * n + "\n" for n in (50_000,)),
    "aliases of aliases": BOMB,
    "merges of merges": MERGES,
    "a chain of aliases": CHAIN,
    "a list in itself": "a: &a [*a]",
    "a mapping in itself": "a: &a {b: *a}",
    "a number of 5,000 digits": "a: " + "9" * 5_000,
    "no date": "a: 2024-99-99",
    "an empty int": 'a: !!int ""',
    "no bool": "a: !!bool perhaps",
    "no float": "a: !!float one",
    "no time": "a: !!timestamp never",
    "a list as a key": "? [1]\n: 2",
    "an object": "a: !!python/object/apply:os.system ['true']",
    "an unknown alias": "a: *b",
    "two documents": "a: 1\n---\nb: 2",
    "a tab": "a:\n\t- b",
    "a control character": "a: \x01",
}


@pytest.mark.parametrize("text", BAD_YAML.values(), ids=BAD_YAML.keys())
def test_yaml_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        parse_yaml(text)
    assert "\n" not in str(refused.value)
    assert not str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "[" * 200 + "]" * 200, "9" * 5_000, "", "<html>", b"\xff\xfe{", "[1,]"],
    ids=["lists", "mappings", "deep but whole", "digits", "nothing", "html", "utf-16", "comma"],
)
def test_json_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(UnreadableError) as refused:
        parse_json(text)
    assert "\n" not in str(refused.value)


def test_what_people_write_is_read() -> None:
    text = "base: &base {rate: 0.1, steps: [1, 2]}\nrun: {<<: *base, rate: 1}\nagain: [*base, *base]\nwhen: 2024-01-31"
    assert parse_yaml(text) == yaml.safe_load(text)
    assert parse_yaml(b"\xef\xbb\xbfa: 1") == {"a": 1}
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    deep = json.loads("[" * DEEPEST + "]" * DEEPEST)
    assert parse_json(json.dumps(deep)) == parse_yaml(json.dumps(deep)) == deep


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("ab: -é", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
)


@given(JSON)
@settings(max_examples=60)
def test_values_come_back_as_they_were(content: object) -> None:
    assert parse_json(json.dumps(content)) == content
    assert parse_yaml(yaml.safe_dump(content)) == content


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "sparse.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UnreadableError, match="more than 1,000 bytes"):
        read_text(path, largest=1_000)


class Anything(BaseModel):
    a: object


@pytest.mark.parametrize("name", ["deep lists", "aliases of aliases", "a number of 5,000 digits", "an empty int"])
def test_configurations_and_packages_say_so_in_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(BAD_YAML[name])
    with pytest.raises(ConfigError, match=r"cannot be read: .*\.$"):
        read_checked(path, Anything, "configuration")
    with pytest.raises(ModelError, match="cannot be read"):
        read_description(path.read_bytes(), path)
    assert network_of(path) == ""


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', '{"a": [1e999]}', "-1e400"])
def test_a_number_without_an_end_is_no_json(text: str) -> None:
    with pytest.raises(UnreadableError, match="finite"):
        parse_json(text)
