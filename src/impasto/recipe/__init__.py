"""What is painted: the recipe, its fields, the presets."""
