"""Which network to train: candidates that fit, the race between them, and the front they form."""
