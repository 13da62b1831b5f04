"""The first page: is it healthy, and if not, what, where, since when."""
