"""Effects: asked for with their fact, delivered after it."""
