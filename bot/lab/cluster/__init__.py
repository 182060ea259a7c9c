"""How failover clusters and Exchange 2007 behave, so that a broken rule hurts as it would for real."""
