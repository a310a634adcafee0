"""Data sets known by name, one file each: shipped by a package, downloaded once, or generated and called so."""
