"""What the user controls in a picture: color, masks, regions, sizes, fine style."""
