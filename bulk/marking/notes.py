"""PURE: the comments of a worksheet, and the drawing that gives each of them its place."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape

from bulk.formats.grid import letter_of
from bulk.marking.page_scan import Address
from bulk.marking.xml_edit import Edit, Element, appended, edited, find_elements, prefix_of

AUTHOR = "smmplus"

_NAMES = ("authors", "author", "commentList", "comment", "text")

_VML = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_SHAPE_TYPE = (
    f'<v:shapetype {_VML} id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_SHAPE_ID = re.compile(rb"_x0000_s([0-9]{1,9})\b")
_VML_END = re.compile(rb"</xml\s*>\s*$")
_BLOCK = 1024
"""Shapes are numbered in blocks of so many; a drawing says which blocks it uses."""

_UNWRITABLE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")


def no_comments(namespace: str) -> bytes:
    """Give the comments of a worksheet that has none."""
    return f'<comments xmlns="{namespace}"><authors/><commentList/></comments>'.encode()


_CONVERSATION = "[Threaded comment]"
"""What Excel writes into the comment of a cell with a conversation, of which older programs show nothing else."""


def with_notes(xml: bytes, notes: Mapping[Address, str]) -> tuple[bytes, list[Address], int]:
    """Add comments; gives the XML, the cells that had none before, and how many cells got none.

    The first of these need a place in the drawing. A person's comment keeps its words and gets ours behind them; one of
    ours from earlier is replaced. A conversation is left alone: Excel would show nothing of ours.
    """
    tables = {
        found.name: found for found in find_elements(xml, ("authors", "author", "commentList", "comment", "text"))
    }
    authors, comments = tables["authors"], tables["commentList"]
    names = [author.text.strip() for author in authors.children]
    number = names.index(AUTHOR) if AUTHOR in names else len(names)
    before = {comment.attributes.get("ref", ""): comment for comment in comments.children}
    edits: list[Edit] = []
    if number == len(names):
        prefix = prefix_of(xml[authors.start :])
        edits.append(appended(xml, authors, f"<{prefix}author>{AUTHOR}</{prefix}author>".encode()))
    new, made, left_alone = [], [], 0
    for (row, column), words in sorted(notes.items()):
        address = f"{letter_of(column)}{row}"
        if address in before and before[address].text.startswith(_CONVERSATION):
            left_alone += 1
        elif address in before:
            edits.append(_continued(xml, before[address], number, words))
        else:
            new.append((row, column))
            made.append(_comment(prefix_of(xml[comments.start :]), address, number, words))
    return edited(xml, [*edits, appended(xml, comments, b"".join(made))]), new, left_alone


def _comment(prefix: str, address: str, author: int, words: str) -> bytes:
    head = f'<{prefix}comment ref="{address}" authorId="{author}">'
    return f"{head}<{prefix}text>{_text(prefix, words)}</{prefix}text></{prefix}comment>".encode()


def _text(prefix: str, words: str) -> str:
    return f'<{prefix}t xml:space="preserve">{escape(_UNWRITABLE.sub("", words), quote=False)}</{prefix}t>'


def _continued(xml: bytes, comment: Element, ours: int, words: str) -> Edit:
    prefix = prefix_of(xml[comment.start :])
    text = next((child for child in comment.children if child.name == "text"), None)
    if text is None:
        return appended(xml, comment, f"<{prefix}text>{_text(prefix, words)}</{prefix}text>".encode())
    if comment.attributes.get("authorId") == str(ours):
        return text.start, text.end, f"<{prefix}text>{_text(prefix, words)}</{prefix}text>".encode()
    return appended(xml, text, f"<{prefix}r>{_text(prefix, f'{chr(10)}{AUTHOR}: {words}')}</{prefix}r>".encode())


def with_shapes(vml: bytes | None, cells: Iterable[Address]) -> bytes:
    """Give each cell's comment its place in the drawing; ValueError if the drawing cannot be understood."""
    last = max([_BLOCK, *(int(number) for number in _SHAPE_ID.findall(vml or b""))])
    shapes = "".join(_shape(number, *cell) for number, cell in enumerate(cells, start=last + 1))
    if vml is None:
        blocks = ",".join(str(block) for block in range(1, 2 + shapes.count("<v:shape ") // _BLOCK))
        layout = f'<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{blocks}"/></o:shapelayout>'
        return f"<xml {_VML}>{layout}{_SHAPE_TYPE}{shapes}</xml>".encode()
    end = _VML_END.search(vml)
    if end is None:
        raise ValueError("the drawing of its comments has no end")
    kind = "" if b'id="_x0000_t202"' in vml else _SHAPE_TYPE
    return vml[: end.start()] + (kind + shapes).encode() + vml[end.start() :]


def _shape(number: int, row: int, column: int) -> str:
    look = "position:absolute;width:240pt;height:90pt;z-index:1;visibility:hidden"
    anchor = ", ".join(map(str, _anchor(row, column)))
    return (
        f'<v:shape {_VML} id="_x0000_s{number}" type="#_x0000_t202" style="{look}" fillcolor="#ffffe1" '
        'o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
        '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div>'
        f'</v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor>'
        f"<x:AutoFill>False</x:AutoFill><x:Row>{row - 1}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )


def _anchor(row: int, column: int) -> Iterator[int]:
    """Say where the box stands: the cells of its left upper and right lower corner, with pixels beside each."""
    top = max(row - 2, 0)
    yield from (column + 1, 15, top, 10, column + 4, 40, top + 6, 4)
