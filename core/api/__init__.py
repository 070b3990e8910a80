"""The native REST interface: one resource per file, shared machinery beside them."""
