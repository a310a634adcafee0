"""Reading, validation, splits, fingerprints and samples: from a source to a `Dataset`."""
