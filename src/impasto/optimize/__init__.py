"""The optimization: an image changed step by step until its objective is low."""
