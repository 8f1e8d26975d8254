# SPDX-License-Identifier: Apache-2.0
# Stands for the OpenWrt SDK's rules.mk: the words of package Makefiles that make, a shell and cp can keep.

INCLUDE_DIR:=$(TOPDIR)
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
CP:=cp -fpR

# The build machine's umask is nobody's business.
SHELL:=/bin/sh
