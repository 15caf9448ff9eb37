"""nftables: the only place that knows `nft`. `rules` is what the table should hold, `table` puts it there through `library`."""
