"""A preprocessor of mdBook. Links to files outside of docs/ become their names, since the book has no such pages, and those to the
README.md of a folder lead to its index, as mdBook names that page."""

import json
import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
# A text without brackets but within code, and an address without blanks.
LINK = re.compile(r"(?<!!)\[((?:`[^`]*`|[^\[\]`])*)\]\(([^)\s]+)\)")
BLOCK_OF_CODE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


def for_the_book(text, folder):
    """The text of a page in that folder of docs/, with the links that the book can have."""

    def change_link(link):
        label, address = link.groups()
        if re.match(r"[a-z]+:", address) or address.startswith("#"):
            return link.group()
        file = (folder / address.partition("#")[0]).resolve()
        if file.is_relative_to(DOCS):
            return f"[{label}]({address.replace('README.md', 'index.md')})"
        name = str(file.relative_to(DOCS.parent))
        return f"`{name}`" if label.strip("`") in (name, file.name) else f"{label} (`{name}`)"

    pieces = BLOCK_OF_CODE.split(text)
    # Those at odd places are blocks of code.
    pieces[::2] = [LINK.sub(change_link, piece) for piece in pieces[::2]]
    return "".join(pieces)


def change(items):
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            folder = (DOCS / chapter["source_path"]).parent
            chapter["content"] = for_the_book(chapter["content"], folder)
            change(chapter["sub_items"])


# mdBook asks first whether the preprocessor supports a kind of output: exit code 0 says so.
if sys.argv[1:2] != ["supports"]:
    _context, book = json.load(sys.stdin)
    change(book["items"])
    json.dump(book, sys.stdout)
