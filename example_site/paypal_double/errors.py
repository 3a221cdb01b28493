"""How PayPal says no: its error bodies, developer.paypal.com/api/rest/responses/."""

import secrets

NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to invalid authentication credentials or a missing Authorization header.",
    ),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    405: ("METHOD_NOT_SUPPORTED", "The server does not implement the requested HTTP method."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}


class Refused(Exception):
    """What the double does not do, with the ``issue`` that PayPal calls it."""

    def __init__(self, issue, description, *, status=422):
        super().__init__(description)
        self.issue, self.description, self.status = issue, description, status

    @property
    def body(self):
        return error_body(self.status, {"issue": self.issue, "description": self.description})


def error_body(status, *details):
    name, message = NAMES.get(status, NAMES[500])
    help_page = f"https://developer.paypal.com/docs/api/orders/v2/#error-{name}"
    return {
        "name": name,
        **({"details": list(details)} if details else {}),
        "message": message,
        "debug_id": secrets.token_hex(6) + "d",
        "links": [{"href": help_page, "rel": "information_link"}],
    }
