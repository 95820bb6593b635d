"""One module a question: what happens in the shop."""
