"""The metrics that sports share: declarations and outputs, one family per file, no numba.

Their kernels stand in files of the same names under core/sport/kernels.
"""
