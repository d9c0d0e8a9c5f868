"""Maps made of predictions."""
