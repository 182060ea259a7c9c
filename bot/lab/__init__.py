"""The practice range: simulated machines and a Slack to practise in, told nothing but bytes and a scenario."""
