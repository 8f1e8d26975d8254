# SPDX-License-Identifier: Apache-2.0
"""One module a provisioning method; each has a class Method.

Method(config) checks the options that the method needs (ProvisioningError BAD_CONFIG).
endpoint(line, held) -> the local IPv6 address to ask from (integer); `held` is the tunnel in use, or None.
wait(socket, milliseconds) -> whether it is readable: set by who wants to look after other things while a method waits
for its answer; what it raises ends the exchange.
provision(line, source) -> Tunnel; ProvisioningError says why there is none.
"""


def load(config):
    """The Method that option provisioning names; the others are not even imported."""
    name = "softwire.provisioning." + config["provisioning"]
    return __import__(name, None, None, ["Method"]).Method(config)
