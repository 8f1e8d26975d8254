# SPDX-License-Identifier: Apache-2.0
"""`softwire configure`: the first configuration, written by one command and taken back by another.

command: its words and its way. plan: what would be written. options: a method's options and secrets. files: the
configuration files. zone: the firewall's zones. advice: what is missing beside the configuration. record: what was
there before. terminal: questions. Nothing else imports any of them.
"""
