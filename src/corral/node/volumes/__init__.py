"""A pod's volumes as folders of the host, one module a kind, and how containers see them."""
