"""The bot's version, as gates, plans and transcripts name it."""

from importlib.metadata import PackageNotFoundError, version

try:
    BOT = f"rollup-bot {version('rollup-bot')}"
except PackageNotFoundError:  # run from a checkout that was never installed
    BOT = "rollup-bot (not installed)"
