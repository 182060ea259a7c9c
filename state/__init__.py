"""Campaign state: the shared words, the transition table, and the store in Redis. Imports nothing else of ours."""
