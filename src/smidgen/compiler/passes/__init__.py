"""Programs to simpler programs that compute the same."""
