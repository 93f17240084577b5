"""`ml adopt`: a table in, a contract, settings and a trained baseline out."""
