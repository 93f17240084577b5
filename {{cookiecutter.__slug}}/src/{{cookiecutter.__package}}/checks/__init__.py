"""What `validate` is made of: rules of rows, a sample of them, and what they are compared with."""
