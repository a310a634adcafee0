"""What smidgen does, one file each: the functions behind the commands and the Python API."""
