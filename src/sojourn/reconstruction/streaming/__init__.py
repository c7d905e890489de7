"""Frames in, images out, in bounded time."""
