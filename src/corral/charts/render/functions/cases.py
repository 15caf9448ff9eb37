"""Sprig's functions that change how words are written."""

from corral.charts.render import wordcases
from corral.charts.render.functions import Table

FUNCTIONS = Table()
FUNCTIONS.add("title", "string")(wordcases.title)
FUNCTIONS.add("untitle", "string")(wordcases.untitle)
FUNCTIONS.add("swapcase", "string")(wordcases.swap)
FUNCTIONS.add("snakecase", "string")(wordcases.snake)
FUNCTIONS.add("kebabcase", "string")(wordcases.kebab)
FUNCTIONS.add("camelcase", "string")(wordcases.camel)
FUNCTIONS.add("initials", "string")(wordcases.initials)
