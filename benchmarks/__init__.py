"""Programs that measure ours beside a peer in one run, on one machine; they print ratios and exit 1 under their bar."""
