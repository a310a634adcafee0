"""Other formats to the compiler's own form: `read(model: bytes) -> Program` in each module."""
