"""PURE: the styles of a workbook, with the same styles once more on a coloured ground."""

from collections.abc import Collection

from bulk.marking.xml_edit import Element, appended, edited, find_elements, prefix_of, with_attribute
from bulk.writing.sheet_tail import tag_end

GROUND = "FFFFC7CE"
"""The ground of bad cells, as ARGB: the red that Excel itself offers for them."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

NO_STYLES = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<styleSheet xmlns="{_MAIN}">'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="1"><xf/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
).encode()
"""What a workbook without styles has."""


def with_grounds(xml: bytes, styles: Collection[str | None]) -> tuple[bytes, dict[str | None, str]]:
    """Add a coloured twin of each style; gives the XML, and style -> twin. ValueError if a style is not there."""
    tables = {element.name: element for element in find_elements(xml, ("fills", "fill", "cellXfs", "xf"), depth=3)}
    fills, formats = tables.get("fills"), tables.get("cellXfs")
    if fills is None or formats is None or not fills.children or not formats.children:
        raise ValueError("its styles have no fills or no formats")
    twins: dict[str | None, str] = {}
    made: list[bytes] = []
    for style in sorted(styles, key=lambda style: style or ""):
        number = int(style or 0)
        if number >= len(formats.children):
            raise ValueError(f"it has no style {number}")
        twins[style] = str(len(formats.children) + len(made))
        made.append(_twin(xml, formats.children[number], len(fills.children)))
    grown = [*_grown(xml, fills, [_ground(prefix_of(xml[fills.start :]))]), *_grown(xml, formats, made)]
    return edited(xml, grown), twins


def _grown(xml: bytes, table: Element, new: list[bytes]) -> list[tuple[int, int, bytes]]:
    behind = tag_end(xml, table.start)
    tag = with_attribute(xml[table.start : behind], "count", str(len(table.children) + len(new)))
    return [(table.start, behind, tag), appended(xml, table, b"".join(new))]


def _ground(prefix: str) -> bytes:
    colours = f'<{prefix}fgColor rgb="{GROUND}"/><{prefix}bgColor indexed="64"/>'
    pattern = f'<{prefix}patternFill patternType="solid">{colours}</{prefix}patternFill>'
    return f"<{prefix}fill>{pattern}</{prefix}fill>".encode()


def _twin(xml: bytes, style: Element, fill: int) -> bytes:
    behind = tag_end(xml, style.start)
    tag = with_attribute(xml[style.start : behind], "fillId", str(fill))
    return with_attribute(tag, "applyFill", "1") + xml[behind : style.end]
