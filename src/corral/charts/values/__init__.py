"""Values: what a chart's templates are given, from its defaults, its parents, files and `--set`.

Everything here is a pure function, but for reading the files that options name.
"""
