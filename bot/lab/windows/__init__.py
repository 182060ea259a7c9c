"""Simulated Windows machines: the parts every machine has, whatever role it plays."""
