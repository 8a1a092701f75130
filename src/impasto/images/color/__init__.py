"""Color spaces, color differences, and mapping the colors of one picture to another's."""
