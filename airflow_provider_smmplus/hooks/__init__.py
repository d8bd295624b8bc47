"""The hooks of the provider."""
