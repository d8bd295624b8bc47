"""The schema of `--json`: validates what commands print, and is written down in docs/json.md.

`python -m tests.json_schema` writes the page anew.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

ROOT = Path(__file__).parents[1]
SCHEMA: dict[str, Any] = json.loads((ROOT / "bulk" / "cli" / "output.schema.json").read_text("utf-8"))
DEFS = SCHEMA["$defs"]
PAGE = ROOT / "docs" / "json.md"
BEGIN = "<!-- From here on: `python -m tests.json_schema` -->\n"
SAME = {"status": "run", "demo": "run", "watch": "run"}


def command_of(arguments: Iterable[str]) -> str:
    """Return the command whose object is printed."""
    words = [word for word in arguments if not word.startswith("-")]
    both = " ".join(words[:2])
    return both if both in DEFS["commands"] else SAME.get(words[0], words[0])


@cache
def _validator(*where: str) -> Draft202012Validator:
    path = "/".join(where).replace(" ", "%20")
    return Draft202012Validator({"$ref": f"#/$defs/{path}", "$defs": DEFS}, format_checker=FormatChecker())


def _object_of(arguments: Iterable[str], document: Mapping[str, Any]) -> str:
    name = command_of(arguments)
    variants = {"run": ("notes", "statuses"), "services": ("changes", "changes")}
    sign, variant = variants.get(name, ("", ""))
    return variant if sign in document else name


def validate(arguments: Iterable[str], document: Mapping[str, Any]) -> None:
    """Validate an object that a command printed; jsonschema.ValidationError says what is wrong."""
    if "event" in document:
        where = ("events", document["event"])
    else:
        where = ("error",) if "error" in document else ("commands", _object_of(arguments, document))
    _validator(*where).validate(document)


def validate_output(arguments: Iterable[str], out: str) -> None:
    """Validate what a command printed for programs, line by line; as far as it is not of thousands of rows."""
    given = list(arguments)
    if {"--json", "--json-lines"} & {*given} and len(out) < 1 << 19:
        for line in out.splitlines():
            validate(given, json.loads(line))


def without_version(out: str) -> dict[str, Any]:
    """Return an object without what the schema says of all."""
    document: dict[str, Any] = json.loads(out)
    return {name: value for name, value in document.items() if name != "version"}


def page() -> str:
    """Describe every object."""
    return BEGIN + "\n".join(_lines())


def _lines() -> Iterator[str]:
    for title, group in (("Commands", DEFS["commands"]), ("Events", DEFS["events"])):
        yield f"\n## {title}"
        for name, about in group.items():
            yield from _section(f"### {name}", about)
    yield from _section("## Errors", DEFS["error"])
    yield "\n## Parts"
    for name, about in DEFS.items():
        if name not in {"commands", "events", "error"}:
            yield from _section(f"### {name}", about)


def _section(title: str, about: Mapping[str, Any]) -> Iterator[str]:
    words = about["description"]
    base = f" It has all of [{_name(about)}](#{_name(about)}), and:" if "$ref" in about and about["properties"] else ""
    yield f"\n{title}\n\n{words[0].upper()}{words[1:]}.{base}\n"
    if about["properties"]:
        yield "| name | type | what it is |\n|---|---|---|"
    for name, item in about["properties"].items():
        optional = "" if name in about.get("required", ()) else ", may be missing"
        yield f"| `{name}` | {_type(item)}{optional} | {item.get('description', '')} |"


def _name(item: Mapping[str, Any]) -> str:
    return str(item["$ref"]).rpartition("/")[2]


def _type(item: Mapping[str, Any]) -> str:  # noqa: PLR0911 (one for each kind)
    if "$ref" in item:
        return f"[{_name(item)}](#{_name(item)})"
    if "anyOf" in item:
        return " or ".join(_type(each) for each in item["anyOf"])
    if "const" in item:
        return f"`{json.dumps(item['const'])}`"
    if "enum" in item:
        return ", ".join(f"`{each}`" for each in item["enum"])
    if item["type"] == "array":
        return f"list of {_type(item['items'])}"
    if item["type"] == "object":
        inside = item.get("properties")
        return f"object of {', '.join(f'`{name}`' for name in inside)}" if inside else "object"
    kinds = [item["type"]] if isinstance(item["type"], str) else item["type"]
    names = {"string": "amount" if "pattern" in item else "time" if "format" in item else "text", "integer": "number"}
    return " or ".join(names.get(kind, kind) for kind in kinds)


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text("utf-8").partition(BEGIN)[0] + page() + "\n", "utf-8")
