"""One picture being made: its inputs, what is kept of it, its scene, its course part by part; `painting` leads them."""
