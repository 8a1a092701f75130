"""Color spaces, color differences, and color transfer from one picture to another."""
