"""The same objective computed tile by tile, exactly, within a memory limit and on several devices."""
