"""What is registered, in charge and running, kept in git and an OCI registry. Needs no library."""
