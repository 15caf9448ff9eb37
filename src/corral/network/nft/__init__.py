"""nftables: the only place that runs `nft`."""
