"""A site that lets its pages load and run only what it serves itself."""

POLICY = "default-src 'self'; img-src 'self' data:"


class StrictPolicy:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        # A mail has one of its own, which says less.
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
