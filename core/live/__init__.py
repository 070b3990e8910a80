"""Sockets that push: what goes out, to whom, and how slow readers are kept from the others."""
