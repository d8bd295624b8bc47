import gc
import weakref
from types import SimpleNamespace
from xml.parsers import expat

import pytest

from bulk.files.xlsx_parts import RefusedXmlError, feed, make_parser


class Listener:
    """Knows its parser, as those who scan worksheets do."""

    def __init__(self):
        self.parser = make_parser()
        self.parser.StartElementHandler = self.hear
        self.parser.EndElementHandler = self.hear
        self.parser.CharacterDataHandler = self.hear
        self.parser.CommentHandler = self.hear
        self.parser.ProcessingInstructionHandler = self.hear
        self.parser.StartCdataSectionHandler = self.hear
        self.heard = 0

    def hear(self, *_):
        self.heard += 1


@pytest.mark.parametrize("xml", [b"<a>b<!--c--></a>", b"<a>"])
def test_whoever_listened_is_forgotten_with_the_last_who_knows_it(xml):
    listener = Listener()
    try:
        feed(listener.parser, [xml])
    except RefusedXmlError:
        assert xml == b"<a>"
    assert listener.heard > 0
    gone = weakref.ref(listener)
    gc.disable()  # what only the collector finds may stay for long
    try:
        del listener
        assert gone() is None
    finally:
        gc.enable()


def test_a_parser_without_memory_is_no_damaged_file():
    def parse(*_):
        error = expat.ExpatError("out of memory")
        error.code = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
        raise error

    with pytest.raises(MemoryError):
        feed(SimpleNamespace(Parse=parse), [b"<a/>"])
