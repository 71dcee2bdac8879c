"""HTTP below all faces: reading requests, judging them, writing answers. It knows no face's format."""
