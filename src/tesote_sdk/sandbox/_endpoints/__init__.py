"""The upper floor: what the API answers, endpoint by endpoint."""
