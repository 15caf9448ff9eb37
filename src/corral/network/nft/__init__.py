"""nftables: the only place that runs `nft`. `rules` is what the table should hold, `table` puts it into the kernel."""
