"""Version 1 of the API (https://equipo.tesote.com/api/docs?version=v1)."""

from .client import V1Client

__all__ = ["V1Client"]
