"""What was said goes, of a person or by rule, and the shape of the history and its proofs stay."""
