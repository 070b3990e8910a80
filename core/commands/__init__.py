"""The commands, one file per family. Heavy imports stand inside them: ``--help`` is quick."""
