"""The command line: parse, call impasto, report. The results go to stdout, everything else to stderr."""
