"""What there is to know about an incident afterwards, as a page for people to complete."""
