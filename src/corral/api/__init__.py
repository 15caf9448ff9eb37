"""What an object is: kinds and type facts, defaults, validation, patches, selectors, quantities, table columns.

Pure functions over JSON-shaped values. Outside: I/O and async.
"""
