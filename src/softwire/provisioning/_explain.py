# SPDX-License-Identifier: Apache-2.0
"""What people are shown of a provisioning method: by status, doctor and configure, never by the resident client."""


class Explain:
    """The defaults do for a method whose `answer` says it all; a method's explain.py has a class of its own.

    advice: {error code: what to do about it}, for codes that are this method's own; {wan} and {wan6} stand for the
    softwire's and the tunlink's names.
    """

    advice: dict = {}

    def describe(self, answer):
        """Method.answer as the state file has it -> the dict of JSON values that `status --json` shows."""
        return answer

    def rows(self, described):
        """(heading, text) of what describe() gave, beyond who answered and when."""
        return []

    def diagnose(self, method, line, source, error):
        """Asks further where an exchange ended with `error`: [(code, text, how it knows, what to do)]."""
        return []
