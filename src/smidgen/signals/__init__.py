"""Kinds of input, one file each: what a sensor gives and the layers that start every graph."""
