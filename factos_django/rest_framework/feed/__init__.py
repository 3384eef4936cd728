"""Waiting for facts over HTTP: the feed, and lists that wait. Nobody who waits holds a connection."""
