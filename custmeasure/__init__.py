"""Marketing measurement for small online shops."""
