"""The middle floor: what a sandbox knows, and how it changes."""
