"""The gallery pages of the documentation, made from the zoo's catalogue."""
