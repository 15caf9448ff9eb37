"""`corral chart`: Helm's commands with Helm's flags, one module each; `main` lists them.

The command line is read by `flags`, which reads what Helm reads, and not as the other commands' is, by argparse.
"""
