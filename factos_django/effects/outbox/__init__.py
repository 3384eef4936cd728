"""The outbox: the only package that writes Effect, by asking, attempting, publishing and steering."""
