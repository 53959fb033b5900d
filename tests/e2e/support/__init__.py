"""What the end-to-end tests share: programs that are started and always ended, waiting, HTTP, expositions."""
