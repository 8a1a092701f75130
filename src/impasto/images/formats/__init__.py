"""Picture files: reading, writing, and what they carry beside the pixels."""
