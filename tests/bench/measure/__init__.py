"""What the measurements share: a server on one core, clients on the other, and what they cost."""
