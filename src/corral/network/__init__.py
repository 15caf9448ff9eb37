"""How pods find each other: Services to nftables, DNS, pod routes."""
