"""A job that pays a list of suppliers, killed at random moments and run again until it is done."""
