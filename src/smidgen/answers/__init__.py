"""Kinds of output, one file each: loss, decoding and metric."""
