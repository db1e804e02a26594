"""Programs that measure quality against labelled questions; nothing imports them."""
