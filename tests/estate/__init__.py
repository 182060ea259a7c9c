"""Tests of bot/estate."""
