"""Forms a model ships in, one file each."""
