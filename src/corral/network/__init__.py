"""How pods find each other: Services to nftables, DNS, pod routes. `agent` is what a node process runs."""
