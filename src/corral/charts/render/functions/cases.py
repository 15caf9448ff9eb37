"""Sprig's functions that change how words are written."""

from corral.base.annotations import Callable
from corral.charts.render import wordcases
from corral.charts.render.functions import Table
from corral.charts.render.gojson import readable

FUNCTIONS = Table()


def _rune_by_rune(change: Callable[[str], str]) -> Callable[[str], str]:
    """A change that Go makes rune by rune: a byte that is none comes out as U+FFFD."""
    return lambda text: change(readable(text))


FUNCTIONS.add("title", "string")(_rune_by_rune(wordcases.title))
FUNCTIONS.add("untitle", "string")(_rune_by_rune(wordcases.untitle))
FUNCTIONS.add("swapcase", "string")(_rune_by_rune(wordcases.swap))
FUNCTIONS.add("snakecase", "string")(wordcases.snake)
FUNCTIONS.add("kebabcase", "string")(wordcases.kebab)
FUNCTIONS.add("camelcase", "string")(_rune_by_rune(wordcases.camel))
FUNCTIONS.add("initials", "string")(wordcases.initials)
