"""
Paper: an order as a sheet, a packing slip, an address label, many as a pick list; as HTML and as PDF.

``documents()`` names the kinds, ``render_html`` and ``render_pdf`` make one; a project adds its own ``Document`` with
the Wagtail hook ``register_order_document``. ``merging.merge`` makes one PDF of several.
"""

from .html import render_html
from .pdf import file_name, render_pdf, share_shops
from .registry import Document, documents

__all__ = ["Document", "documents", "file_name", "render_html", "render_pdf", "share_shops"]
