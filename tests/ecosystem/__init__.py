"""The SDK where users run it: small programs against real libraries, in environments of their own.

`python -m tests.ecosystem` runs them all and prints a table. A folder is an environment: what its
programs need is installed together. A program is a file whose first lines hold `# needs:` and the
requirements; it runs as `__main__` in a process of its own, and its last line says what it found.
"""
