"""The catalogue of translations: what the code says to people, and what `smmplus/languages/id.po` has of it.

`python -m tests.catalogue` brings the file up to date: new texts are added without a translation, and texts that are
gone are removed. With a JSON file of English texts and their translations as its argument, it adds those.
"""

import ast
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from bulk.cli.app import app
from bulk.cli.texts import PROGRAM, SUMMARIES
from bulk.model.options import OPTIONS

ROOT = Path(__file__).parents[1]
PO = ROOT / "smmplus" / "languages" / "id.po"
MARKS = {"_": 0, "marked": 0, "counted": 1}
"""Function -> which of its arguments is a text."""


def sources() -> Iterator[Path]:
    """Yield every module whose texts people read."""
    for package in ("smmplus", "bulk", "airflow_provider_smmplus"):
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "sandbox" not in path.parts)


def calls_of(path: Path) -> Iterator[ast.Call]:
    """Yield the calls in a module that name a text."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS):
            continue
        if len(node.args) > MARKS[node.func.id]:  # the provider has a `counted` of its own
            yield node


def calls_of_templates() -> Iterator[tuple[Path, nodes.Call]]:
    """Yield the calls in the page's templates that name a text."""
    for path in sorted((ROOT / "bulk" / "web" / "templates").glob("*.j2")):
        for call in Environment(autoescape=True).parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in MARKS:
                yield path, call


def text_of_template(call: nodes.Call) -> str | None:
    """Return the text that a template's call names; None if it is a variable, whose text is marked elsewhere."""
    text = call.args[MARKS[call.node.name]]
    return text.value if isinstance(text, nodes.Const) else None


def text_of(call: ast.Call) -> str | None:
    """Return the text that a call names; None if it is a variable, whose text is marked elsewhere."""
    text = call.args[MARKS[call.func.id]]
    return text.value if isinstance(text, ast.Constant) else None


def _help(group: typer.core.TyperGroup) -> Iterator[str]:
    """Yield the help texts of commands and options."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield from filter(None, (command.help, *(getattr(each, "help", None) for each in command.params)))
        if hasattr(command, "list_commands"):
            yield from _help(command)


def texts() -> list[str]:
    """Return every text that has a translation, each once."""
    named = [text_of(call) for path in sources() for call in calls_of(path)]
    of_page = [text_of_template(call) for _path, call in calls_of_templates()]
    of_options = [about.help for about in OPTIONS.values()]
    others = [PROGRAM, *SUMMARIES.values(), *of_options, *_help(typer.main.get_command(app))]
    return list(dict.fromkeys(text for text in (*named, *of_page, *others) if text))


def translations() -> dict[str, str]:
    """Return the translations that there are."""
    if not PO.exists():
        return {}
    with PO.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale="id") if message.id}


def update(new: dict[str, str]) -> int:
    """Write the file anew; return how many texts have no translation."""
    known, catalog = translations() | new, Catalog(locale="id", project="smmplus", fuzzy=False)
    for text in texts():
        catalog.add(text, known.get(text, ""))
    out = io.BytesIO()
    write_po(out, catalog, width=120, omit_header=True, sort_output=True)
    header = b'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    PO.write_bytes(header + out.getvalue().strip() + b"\n")
    return sum(not known.get(text) for text in texts())


if __name__ == "__main__":
    added = {text: done for name in sys.argv[1:] for text, done in json.loads(Path(name).read_text("utf-8")).items()}
    print(f"{update(added)} texts have no translation")  # noqa: T201
