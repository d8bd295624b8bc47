"""The relations between a workbook's parts, and new parts among them."""

import posixpath
from dataclasses import dataclass, field

from bulk.formats.archive import Archive
from bulk.formats.xml_parts import relationships
from bulk.marking.xml_edit import appended, edited, prefix_of, root_of

_TYPE = "application/vnd.openxmlformats-officedocument"
_CONTENT_TYPES = {
    "comments": f"{_TYPE}.spreadsheetml.comments+xml",
    "styles": f"{_TYPE}.spreadsheetml.styles+xml",
    "vmlDrawing": f"{_TYPE}.vmlDrawing",
}
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "[Content_Types].xml"


@dataclass(slots=True)
class Related:
    """What is to change in the relations of an archive's parts."""

    archive: Archive
    changed: dict[str, bytes] = field(default_factory=dict)
    """Parts that were there before: name -> content."""
    added: dict[str, bytes] = field(default_factory=dict)
    """New parts."""

    @property
    def namespace(self) -> str:
        """The namespace of references between parts: files of the strict kind have one of their own."""
        book = self.archive.find("_rels/.rels")
        return _STRICT if book and _STRICT.encode() in self.archive.read(book) else _OFFICE

    def one(self, part: str, kind: str) -> str | None:
        """Name the part of a kind that another part refers to; None if there is none."""
        found = (target for name, target in relationships(self.archive, part).values() if name == kind)
        return next(filter(None, map(self.archive.find, found)), None)

    def add(self, part: str, kind: str, name: str, content: bytes) -> str:
        """Add a part that another one refers to; gives the reference's id."""
        name = self._free(name)
        self.added[name] = content
        self._declare(name, _CONTENT_TYPES[kind])
        return self._refer(part, kind, name)

    def _free(self, name: str) -> str:
        stem, ending = posixpath.splitext(name)
        number = 1
        while self.archive.find(name) or name in self.added:
            number += 1
            name = f"{stem}{number}{ending}"
        return name

    def _declare(self, name: str, content_type: str) -> None:
        types = self.archive.find(_TYPES) or _TYPES
        xml = self.changed.get(types) or self.archive.read(types)
        prefix = prefix_of(xml[root_of(xml).start :])
        line = f'<{prefix}Override PartName="/{name}" ContentType="{content_type}"/>'
        self.changed[types] = edited(xml, [appended(xml, root_of(xml), line.encode())])

    def _refer(self, part: str, kind: str, name: str) -> str:
        folder, base = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{base}.rels")
        known = self.archive.find(rels)
        into, rels = (self.changed, known) if known else (self.added, rels)
        empty = f'<Relationships xmlns="{_PACKAGE}/relationships"/>'.encode()
        xml = into.get(rels) or (self.archive.read(known) if known else empty)
        made = self._free_id(xml)
        prefix = prefix_of(xml[root_of(xml).start :])
        line = f'<{prefix}Relationship Id="{made}" Type="{self.namespace}/{kind}" Target="/{name}"/>'
        into[rels] = edited(xml, [appended(xml, root_of(xml), line.encode())])
        return made

    @staticmethod
    def _free_id(xml: bytes) -> str:
        number = 1
        while f'"smm{number}"'.encode() in xml:
            number += 1
        return f"smm{number}"
