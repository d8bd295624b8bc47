"""Asks a spreadsheet program to work out all formulas anew: their stored values may rest on cells just written."""

import re

from bulk.formats.archive import Archive
from bulk.formats.xml_parts import feed, local_name, make_parser, worksheets
from bulk.writing.sheet_tail import behind_element, tag_end

_FORMULA = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s/>]")
_FULL_CALC = re.compile(rb"""\sfullCalcOnLoad\s*=\s*(?:"[^"]*"|'[^']*')""")
_PREFIX_BEFORE = re.compile(rb"<((?:[^\s<>/:]+:)?)workbook[\s>]")

# What CT_Workbook (ECMA-376, 18.2.27) has before calcPr, from the one element that is always there.
_BEFORE_CALC = frozenset({"sheets", "functionGroups", "externalReferences", "definedNames"})


def has_formulas(archive: Archive, but: str) -> bool:
    """Tell whether any worksheet but one holds a formula."""
    others = (sheet.part for sheet in worksheets(archive) if sheet.part != but)
    return any(_FORMULA.search(archive.read(part)) for part in others)


def recalculate_on_load(xml: bytes) -> bytes:
    """Set fullCalcOnLoad in the workbook's list of sheets, in its calcPr or in a new one."""
    calc, behind = _find(xml)
    if calc is None:
        prefix = _PREFIX_BEFORE.search(xml, 0, behind)
        return xml[:behind] + b"<" + (prefix[1] if prefix else b"") + b'calcPr fullCalcOnLoad="1"/>' + xml[behind:]
    end = tag_end(xml, calc)
    tag = _FULL_CALC.sub(b"", xml[calc:end])
    at = len(tag) - (2 if tag.endswith(b"/>") else 1)
    return xml[:calc] + tag[:at].rstrip() + b' fullCalcOnLoad="1"' + tag[at:] + xml[end:]


def _find(xml: bytes) -> tuple[int | None, int]:
    """Give the offset of calcPr, if there is one, and the offset at which one may be put."""
    started: dict[str, int] = {}
    found: list[int] = []
    behind = [0]

    def on_start(name: str, _attributes: dict[str, str]) -> None:
        started[name] = parser.CurrentByteIndex
        if local_name(name) == "calcPr":
            found.append(parser.CurrentByteIndex)

    def on_end(name: str) -> None:
        if local_name(name) in _BEFORE_CALC:
            behind.append(behind_element(xml, started[name], parser.CurrentByteIndex))

    parser = make_parser()
    parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
    feed(parser, [xml])
    return (found[0] if found else None), behind[-1]
