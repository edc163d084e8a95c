"""Version 2 of the API (https://equipo.tesote.com/api/docs?version=v2)."""

from .client import V2Client

__all__ = ["V2Client"]
