"""The cluster's DNS: `zone` is what names mean, `upstream` who knows the others, `server` the wire."""
