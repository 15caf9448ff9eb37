"""Charts: Helm's packages, rendered and released with no Go binary on the machine.

A client like any other: it needs nothing but a kubeconfig, and knows no server, node or controller. Templates are rendered in
`render`, which does no I/O at all.
"""
