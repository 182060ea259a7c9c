"""Moves a campaign forward: one decision at a time, each written down before it is acted on."""
