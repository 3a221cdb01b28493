"""The one merchant's account that the double keeps. Everybody may know its secrets: no money is behind them."""

CLIENT_ID = "ADoubleOfPayPalWithoutAnyMoney-ForTheDemoAndTheTests-00000000000000000000000000"
CLIENT_SECRET = "EDoubleOfPayPalWithoutAnyMoney-NothingToHideHere-000000000000000000000000000000"
WEBHOOK_ID = "2DB00000000000WHK"
MERCHANT_ID = "DBLMERCHANT24"
MERCHANT_EMAIL = "merchant@paypal-double.example"

CA_FILE = "ca.pem"


def account_settings(*, api, pages, ca, environment="sandbox"):
    """
    What ``WAGTAIL_ORDERS["PAYPAL"]`` has to say for the double at ``api``, with its ``pages``, to be asked instead of
    PayPal.
    """
    return {
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "WEBHOOK_ID": WEBHOOK_ID,
        "MERCHANT_ID": MERCHANT_ID,
        "ENVIRONMENT": environment,
        "DOUBLE": {"API": api, "PAGES": pages, "CA": str(ca)},
    }
