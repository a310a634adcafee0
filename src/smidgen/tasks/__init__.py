"""What smidgen can be asked to do, one file each: a signal, an answer and the families to try."""
