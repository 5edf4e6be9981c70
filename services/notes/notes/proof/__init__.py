"""The log proves itself: chains of commitments, the tree of their heads, signatures, files for strangers."""
