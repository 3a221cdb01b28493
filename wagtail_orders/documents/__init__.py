"""Paper: an order as a sheet, a packing slip, a label, many as a pick list; as HTML and as PDF."""

