"""Write docs/keys.md from the table of actions.

python scripts/write_keys.py
"""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "keys.md"
HEAD = """# Keys

All keys of the viewer, as F1 shows them. On a Mac, Ctrl is ⌘ and Alt is ⌥. This page is made from the table of keys by
`scripts/write_keys.py`.

![The page of keys](images/keys.png)
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(keys_page(), encoding="utf-8")


def keys_page() -> str:
    """Make the page."""
    from napari_lesion.plugin.viewer.help import group_title, grouped, key_text

    parts = [HEAD]
    for group, some in grouped():
        parts.append(f"## {group_title(group)}\n\n| Key | What it does |\n|---|---|")
        parts += [f"| {key_text(action.key, mac=False)} | {action.text} |" for action in some]
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
