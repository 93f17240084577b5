"""All that a project has registered, as one folder: written from any store, read into any."""
