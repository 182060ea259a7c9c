"""The bot: procedure, estate, engine, and the practice range."""
