"""Pictures on disk and in memory <-> (B, 3, H, W) float32 in [0, 1], sRGB.

PIL, uint8, EXIF, ICC profiles, alpha and (width, height) order live and die here.
"""
