# SPDX-License-Identifier: Apache-2.0
"""What a provisioning method is: one module (or package) here a method, each with a class Method of its own.

To add one: a module whose class Method derives from the one below, its options in the handler
(lib/netifd/proto/softwire.sh) and in docs/options.md; what people are shown of it in an explain.py beside it (a
package then). Everybody else asks names(), find() and explain().
"""

import os
import random

from softwire import state
from softwire.config import OPTIONS, Config
from softwire.endpoint import readable
from softwire.errors import bad_config


class Refresh(Exception):
    """Raised by Method.heard and Method.tick: what is held has to be asked for again, now."""


class Method:
    """One way of asking for a softwire's parameters; the hooks' defaults are a method that keeps nothing.

    Declared by each method:
    options     rows (name, check, default) beside config.OPTIONS, in the order in which people read them; a check
                is of config's kind
    lists       those of them that hold several values; config gives a list, [] where it is missing
    secrets     those whose values nobody may be shown
    required    rows (name, what would be right) of those that must be there
    asked_for   codes of the DHCPv6 options that the line has to be asked for

    Given by whoever uses it, before the first hook is called:
    interface   netifd's name of the softwire
    log(text)   a line about what was decided, for netifd's log
    tell(text)  each step of an exchange, for `softwire probe` and the doctor; None where nobody listens
    clock()     seconds since the kernel started
    wait(socket, milliseconds, further=())
                whether the socket, or a further one, is readable; looks after other things meanwhile, and what it
                raises, unless it is an OSError, ends the exchange and must pass through
    silent      whether packets leave through what is held and none come back: a refresh may choose another server
    linger      seconds for which copies of an answer are waited for, to be counted; 0 for the resident client

    Kept by the method for status and doctor:
    answer      a dict of JSON values without secrets, empty where nobody is asked. Required: "server", who
                answered, as text. Known besides: "tries", how many requests that took; "copies", how often the
                answer came; "ignored", {reason: how many datagrams that were no answer}. What else is in there, the
                method's explain.py puts into words.

    demand      whether its addresses can be had on demand (demand.py): _demand.OPTIONS are among its own then
    own_packets how many it has sent through what is held, for itself

    Every hook may raise ProvisioningError; with ended=True what is held is over. Addresses are 128-bit integers.
    """

    options: tuple = ()
    lists: tuple = ()
    secrets: tuple = ()
    required: tuple = ()
    asked_for: tuple = ()

    linger = 0
    silent = demand = False
    own_packets = 0

    def __init__(self, config, interface=""):
        """config: Config; a method that checks more than single options does so here, with BAD_CONFIG."""
        self.config = config
        self.interface = interface
        self.answer: dict = {}
        self.log = lambda text: None
        self.tell = None
        self.clock = state.uptime
        self.wait = readable

    # What it needs of the line

    def endpoint(self, line, held):
        """The local address to ask from, which the router is given first. held: the Tunnel in use, or None."""
        return line.delegated_prefix(held and held.local)[0] | self.config["interface_id"]

    def needs(self, line):
        """What else of the line goes into the question; another value than the last time makes the client ask."""

    def servers(self, line):
        """[(host, UDP or TCP port)] that packets must reach, for the doctor."""
        return []

    # The exchange

    def provision(self, line, source):
        """Asks from address `source` -> Tunnel."""
        raise NotImplementedError

    def refresh(self, line, source, held):
        """The same while `held` is in use: an equal Tunnel means that nothing is touched."""
        return self.provision(line, source)

    def probe(self, line, source):
        """The same without disturbing what this interface holds, in whatever process -> Tunnel, which nobody gets."""
        return self.provision(line, source)

    def errand(self, question, tell):
        """What is asked in a process of its own (errand.py) -> a dict of JSON values; tell(text): each step."""
        raise NotImplementedError

    # What is held

    def release(self, held):
        """Gives back what is held, at teardown. It has a second, and `wait` does not wait then."""

    def drop(self):
        """What was held is gone: it expired, the line changed, or the operator ended it. Not at teardown."""

    def sockets(self):
        """Open sockets on which something may come while the client waits."""
        return ()

    def heard(self, sock):
        """One of them is readable: takes what came, without blocking. Refresh, or an error with ended=True."""

    def tick(self, now):
        """What is due at `now`, then the time at which it wants to be called next, or None. Raises as heard does."""

    # What it remembers, beyond the process: in RAM, until release or drop forget it

    def keep(self, content, lasting=False):
        """Remembers a dict of JSON values without secrets, None: forgets; for who is started again after a kill.

        lasting: on flash, for who is started after a reboot: seldom, and where an option says so.
        """
        path = state.kept_path(self.interface, lasting)
        if lasting and content is not None:  # root's alone, as the run directory is
            os.system("umask 077; : > {}.new".format(path))
        state.write(path, content)

    def kept(self, lasting=False):
        """What was remembered, or None."""
        return state.read(state.kept_path(self.interface, lasting))


def early(lifetime):
    """When to ask again, in s: early enough for several tries before `lifetime` is over, and not all at once."""
    return lifetime * random.uniform(0.8, 0.9)


def names():
    """The methods that this router has, sorted."""
    found = [name.partition(".")[0] for name in os.listdir(__file__.rpartition("/")[0])]
    return sorted([name for name in found if name[:1] != "_"])


def find(name):
    """The class Method of this name; the others are not even imported. BAD_CONFIG names those that there are."""
    path = "softwire.provisioning." + name
    try:
        if not all([char.isalpha() or char.isdigit() for char in name]):
            raise ImportError
        return __import__(path, None, None, ["Method"]).Method
    except ImportError:
        if name in names():  # it is there, and lacks something itself
            raise
    raise bad_config("provisioning", name, "one of {} would be right".format(", ".join(names())))


def known():
    """{name: whether its value is a secret} of every option of proto softwire, whatever the method."""
    found = {row[0]: False for row in OPTIONS}
    for method in [find(name) for name in names()]:
        for row in method.options:
            found[row[0]] = found.get(row[0], False) or row[0] in method.secrets
    return found


def load(options, interface=""):
    """The Method for the options of an interface, as netifd hands them over; BAD_CONFIG."""
    method = find(str(options.get("provisioning") or "softbank"))
    config = Config(options, method)
    if method.demand and config["demand"]:
        from softwire.demand import on_demand  # only where it is wanted

        method = on_demand(method)
    return method(config, interface)


def explain(name):
    """What people are shown of this method: its class Explain (_explain.py), else the one for all."""
    place = "softwire.provisioning." + name
    method = __import__(place, None, None, ["Method"])
    if hasattr(method, "__path__"):
        place += ".explain"
    else:
        place = "softwire.provisioning._explain"
    return __import__(place, None, None, ["Explain"]).Explain()
