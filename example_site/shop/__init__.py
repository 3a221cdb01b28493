"""The shop of the example site: pages, basket, checkout."""
