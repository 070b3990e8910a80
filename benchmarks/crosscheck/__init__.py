"""Our numbers beside those of other people's libraries, on the same recordings.

``make crosscheck`` computes ours here and theirs in environments of their own (.venv-crosscheck),
whose programs import nothing of ours: arrays go there, numbers come back, one table joins them.
"""
