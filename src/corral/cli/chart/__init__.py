"""`corral chart`: Helm's commands with Helm's flags, one module each; `main` lists them.

The command line is read by `flags`, not by cyclopts: a chart of fifty templates is rendered in the time that takes to load.
"""
