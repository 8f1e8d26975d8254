# SPDX-License-Identifier: Apache-2.0
# Stands for the OpenWrt SDK's package.mk: evaluates a package Makefile and leaves, below OUT/<package>, what
# package/sdk/pack.py makes packages of: `fields`, `files/`, `description`, `conffiles` and the scripts.

.NOTPARALLEL:
.PHONY: all
all:

# What the SDK sets anew before each package.
define Package/Default
  SECTION:=opt
  CATEGORY:=Extra packages
  TITLE:=
  DEPENDS:=
  EXTRA_DEPENDS:=
  CONFLICTS:=
  PROVIDES:=
  VARIANT:=
  DEFAULT_VARIANT:=
  URL:=$(PKG_URL)
  USERID:=
  ALTERNATIVES:=
  PKGARCH:=
  LICENSE:=$(PKG_LICENSE)
  LICENSE_FILES:=$(PKG_LICENSE_FILES)
  MAINTAINER:=$(PKG_MAINTAINER)
  VERSION:=$(PKG_VERSION)-r$(PKG_RELEASE)
endef

define sdk_fields
name=$(1)
title=$(TITLE)
version=$(VERSION)
depends=$(DEPENDS)
conflicts=$(CONFLICTS)
provides=$(PROVIDES)
default_variant=$(DEFAULT_VARIANT)
section=$(SECTION)
license=$(LICENSE)
license_files=$(LICENSE_FILES)
userid=$(USERID)
maintainer=$(MAINTAINER)
url=$(URL)
arch=$(PKGARCH)
source=$(PKG_NAME)
unsupported=$(strip $(EXTRA_DEPENDS) $(ALTERNATIVES))
endef

define BuildPackage
  $(eval $(Package/Default))
  $(eval $(Package/$(1)))
define sdk_fields_$(1)
$(call sdk_fields,$(1))
endef
ifndef Package/$(1)/description
define Package/$(1)/description
$(TITLE)
endef
endif
ifdef Package/$(1)/install
  all: sdk-$(1)
endif
  .PHONY: sdk-$(1) sdk-folder-$(1)
  sdk-folder-$(1):
	rm -rf $(OUT)/$(1)
	mkdir -p $(OUT)/$(1)/files
  sdk-$(1): sdk-folder-$(1)
	$$(file >$(OUT)/$(1)/fields,$$(sdk_fields_$(1)))
	$$(foreach part,description conffiles preinst postinst prerm postrm,$$(if $$(Package/$(1)/$$(part)),\
		$$(file >$(OUT)/$(1)/$$(part),$$(Package/$(1)/$$(part)))))
	$(call Package/$(1)/install,$(OUT)/$(1)/files)
endef
