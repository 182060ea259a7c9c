"""`rollup-bot doctor`: asks everything the bot depends on whether a campaign could run now, and changes nothing."""
