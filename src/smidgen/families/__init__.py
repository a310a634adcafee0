"""Model families, one file each: `build(signal, answer, size)`."""
