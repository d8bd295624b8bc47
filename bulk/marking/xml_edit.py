"""Small changes to a part of a workbook: the bytes around them stay as they are."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bulk.formats.xml_parts import RefusedXmlError, feed, local_name, make_parser
from bulk.writing.sheet_tail import behind_element

_PREFIX = re.compile(rb"<([^\s/>:]+:)?")


def prefix_of(tag: bytes) -> str:
    """Give what stands before a tag's name, "" or such as "x:"."""
    match = _PREFIX.match(tag)
    return (match[1] or b"").decode() if match else ""


def with_attribute(tag: bytes, name: str, value: str) -> bytes:
    """Set an attribute of a tag to a plain value."""
    bare = re.sub(rb"""\s%b\s*=\s*(?:"[^"]*"|'[^']*')""" % name.encode(), b"", tag)
    end = len(bare) - (2 if bare.endswith(b"/>") else 1)
    return bare[:end].rstrip() + f' {name}="{value}"'.encode() + bare[end:]


@dataclass(slots=True)
class Element:
    """An element that was looked for."""

    name: str
    """Without its namespace."""
    namespace: str
    attributes: Mapping[str, str]
    start: int
    inner_end: int = 0
    """Where its end tag begins; of an element without one (``<c/>``) behind it."""
    end: int = 0
    """Behind its last byte."""
    text: str = ""
    """All text inside it."""
    children: list["Element"] = field(default_factory=list)
    """Those inside it that were looked for, too."""


def find_elements(xml: bytes, names: Iterable[str], *, depth: int = 1 << 30) -> list[Element]:
    """List the elements with these names, with those inside them as their children; nothing deeper than `depth`.

    :raises RefusedXmlError: if the XML is damaged.
    """
    wanted, found = frozenset(names), list[Element]()
    open_elements: list[Element | None] = []

    def on_start(name: str, attributes: dict[str, str]) -> None:
        local = local_name(name)
        element = None
        if local in wanted and len(open_elements) < depth:
            element = Element(local, name.removesuffix(local).strip(), attributes, parser.CurrentByteIndex)
            parent = next((each for each in reversed(open_elements) if each is not None), None)
            (found if parent is None else parent.children).append(element)
        open_elements.append(element)

    def on_end(_name: str) -> None:
        element = open_elements.pop()
        if element is not None:
            element.inner_end = parser.CurrentByteIndex
            element.end = behind_element(xml, element.start, element.inner_end)

    def on_text(text: str) -> None:
        for element in open_elements:
            if element is not None:
                element.text += text

    parser = make_parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = on_start, on_end, on_text
    feed(parser, [xml])
    return found


def root_of(xml: bytes) -> Element:
    """Give the outermost element."""
    found: list[Element] = []

    def on_start(name: str, attributes: dict[str, str]) -> None:
        if not found:
            local = local_name(name)
            found.append(Element(local, name.removesuffix(local).strip(), attributes, parser.CurrentByteIndex))

    def on_end(_name: str) -> None:
        found[0].inner_end = parser.CurrentByteIndex

    parser = make_parser()
    parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
    feed(parser, [xml])
    if not found:
        raise RefusedXmlError("it is empty")
    found[0].end = behind_element(xml, found[0].start, found[0].inner_end)
    return found[0]


Edit = tuple[int, int, bytes]
"""Bytes from an offset to another, and what stands there instead."""


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Make changes that do not overlap; several at one place stay in their order."""
    pieces, done = [], 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        pieces += [data[done:start], new]
        done = end
    return b"".join([*pieces, data[done:]])


def appended(data: bytes, element: Element, children: bytes) -> Edit:
    """Put children at the end of an element, which may have been written as one empty tag."""
    if element.inner_end != element.end:
        return element.inner_end, element.inner_end, children
    tag = data[element.start : element.end]
    name = tag[1:].split(None, 1)[0].rstrip(b"/>")
    return element.start, element.end, tag[:-2].rstrip() + b">" + children + b"</" + name + b">"
