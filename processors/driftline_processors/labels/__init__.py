"""Labels of people: read from a file, found their answers, stored once."""
