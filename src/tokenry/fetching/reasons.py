"""Why there is no answer, in words of ours: `{}` stands for one of the other texts, or for a number.

Administrators read them of their webhooks, and pages tell them in other languages.
"""

NO_ADDRESS = "it is no address"
TOO_LONG = "it answers with more than {} bytes"

OUT_OF_REACH = "it has a host that is not of {}"
INTERNET = "the internet"
INTERNET_AND_LOOPBACK = "the internet, and this machine"
NAMED = "a network that the operator allows"
INTERNET_AND_NAMED = "the internet, or of a network that the operator allows"

UNREACHABLE = "it cannot be reached: {}"
CERTIFICATE = "its certificate is not believed"
NO_TLS = "it speaks no TLS"
NO_CONNECTION = "it takes no connection"
TOO_SLOW = "it does not answer in time"
BROKEN_OFF = "the connection broke off"
NO_HTTP = "it speaks no HTTP"
NAME_TOO_SLOW = "its name is not resolved in time"
NO_NAME = "its name cannot be resolved"
