"""Policies: small objects that get a read-only view and return a decision. The mechanism does the rest."""
