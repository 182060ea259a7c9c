"""Windows nodes over WinRM: what the bot asks them, and the jobs it leaves with them."""
