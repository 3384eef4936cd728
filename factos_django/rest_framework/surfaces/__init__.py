"""The surfaces of the API, one a file."""
