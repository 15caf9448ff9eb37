"""Helm's template engine: Go's text/template with Sprig's functions and Helm's own, byte for byte.

Pure: templates, values, files, the clock and the source of randomness come in as arguments, text goes out. No I/O, no async;
what talks to a cluster (`lookup`) or to DNS is a function that the caller hands in.

    outputs = render(templates, context, ...)   # engine.py
"""

from corral.charts.render.engine import Options, Template, render
from corral.charts.render.errors import RenderError

__all__ = ["Options", "RenderError", "Template", "render"]
