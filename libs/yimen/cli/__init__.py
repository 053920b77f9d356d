"""The command line, for operators, clerks and developers."""
