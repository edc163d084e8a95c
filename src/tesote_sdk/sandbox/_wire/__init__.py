"""The lowest floor: HTTP on a socket, and how answers, refusals and moments are written."""
