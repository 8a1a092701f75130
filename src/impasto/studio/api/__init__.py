"""The HTTP API of the studio, one file a subject."""
