"""`smmplus check --mark`: says where the copy is that shows the problems, and what it lacks."""

from rich.console import Console
from rich.text import Text

from bulk.cli.machine import Json
from bulk.marking import Marked, mark_problems
from bulk.plan import Plan


def mark(out: Console, plan: Plan) -> Marked | None:
    """Write the copy of a sheet with problems, and tell where it is; None where there is nothing to mark."""
    if not plan.problems:
        out.print("there is nothing to mark")
        return None
    marked = mark_problems(plan.sheet, plan.problems)
    words = f"marked in {marked.path}: mend them there, save it, and run that file; the sheet itself is as it was"
    out.print(Text(f"the problems are {words}", "bold"))
    if marked.lost:
        words = "the copy holds the texts of the orders alone, without formats, drawings and comments"
        out.print(Text(f"{words}: {marked.lost}", "yellow"))
    if marked.unexplained:
        words = f"cells that are coloured but have no comment of ours: {marked.unexplained} (see the list above)"
        out.print(Text(words, "yellow"))
    return marked


def marked_object(marked: Marked | None) -> Json:
    """Describe the copy to a program."""
    if marked is None:
        return {"marked": None}
    return {"marked": str(marked.path), "marked_lost": marked.lost, "marked_without_comment": marked.unexplained}
