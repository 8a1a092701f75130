"""The studio: impasto in a browser, and the same as an HTTP API."""
