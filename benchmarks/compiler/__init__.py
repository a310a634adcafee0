"""Measures the compiler on four int8 models of MLPerf Tiny."""
