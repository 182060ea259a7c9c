"""The WS-Management listener through which clients reach the simulated machines."""
