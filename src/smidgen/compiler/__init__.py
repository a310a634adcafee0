"""From any small network to C without dependencies, and what it costs before it is trained: docs/architecture.md."""
