# SPDX-License-Identifier: Apache-2.0
"""The one error a user gets to see; its stable codes are explained in codes.py."""


class ProvisioningError(Exception):
    """Why there is no softwire now.

    code: a word of codes.CODES. text: one line for people, naming the option or field, the value and what would be
    right; never a secret. retry_after: seconds to wait at least before the next try, or None. ended: whether the
    operator said that what is held is over; without it, the held softwire stays until it expires.
    """

    def __init__(self, code, text, retry_after=None, ended=False):
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.retry_after = retry_after
        self.ended = ended

    def __str__(self):
        return self.code + ": " + self.text


def bad_config(option, value, right):
    """BAD_CONFIG for an option whose value may be shown."""
    return ProvisioningError("BAD_CONFIG", "option {} '{}': {}".format(option, value, right))
