"""The graph of a network and what it costs, before it is trained."""
