"""The component for a product's settings page: one script, `tokenry-tokens.js`, and where the service hands it out."""
