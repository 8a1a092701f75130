"""Networks that paint a picture in one pass: trained for a style, applied to any photograph."""
