"""Samples made by seed, and the values they gave when a metric's definition was last agreed."""
