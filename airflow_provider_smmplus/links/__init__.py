"""The links of the provider."""
