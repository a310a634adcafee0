"""Steps that make a trained network smaller, one file each."""
