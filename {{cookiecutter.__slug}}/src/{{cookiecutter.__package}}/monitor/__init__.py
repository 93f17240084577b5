"""Watches the champion: what it is asked, what came true, and whether a retraining is due."""
