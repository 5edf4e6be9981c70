"""The local stack's OpenID Connect issuer: one chooses who to be, so it is for loopback alone."""
