"""Benchmarks of tasks other than images, a module each; every module also runs by itself."""
