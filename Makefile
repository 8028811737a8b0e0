# The commands of this project; README.md shows each with its output. Names and meanings are kept for good.
.DEFAULT_GOAL := help
.PHONY: help setup develop server prometheus browser test-hosts site psql clean-site test lint unit integration collection \
	molecule test-contrib-bdr bench

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
VENV := $(CURDIR)/.venv
QUICKSTART := inventories/quickstart
# sudo starts with an environment of its own.
AS_ROOT := $(SUDO) env PATH="$(VENV)/bin:$$PATH" ANSIBLE_CONFIG=$(CURDIR)/ansible.cfg
PLAYBOOK := $(AS_ROOT) $(VENV)/bin/ansible-playbook --inventory $(QUICKSTART)
PYTEST := $(AS_ROOT) $(VENV)/bin/pytest
WITH_SOURCE = $(AS_ROOT) BDR_SOURCE='$(BDR_SOURCE)' BDR_REF='$(BDR_REF)'
# contrib_bdr is not among them: it needs a source of its own.
SCENARIOS := plex one_way lifecycle compare reseed status
SERVER_PACKAGES := postgresql-15 postgresql-15-pglogical python3-psycopg2
MONITOR_PACKAGES := prometheus prometheus-postgres-exporter
BROWSER_PACKAGES := chromium fonts-dejavu-core
# iptables: netavark calls it and does not depend on it; without it no container starts.
HOST_PACKAGES := podman runc netavark aardvark-dns iptables mmdebstrap debian-archive-keyring openssh-client
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends
# Fails when one of the packages is not installed. dpkg-query alone also knows packages that are only mentioned.
INSTALLED = ! dpkg-query -W -f '$${db:Status-Status}\n' $(1) 2>&1 | grep -vqx installed
# Quoted for the shell, so that SQL may hold anything.
QUOTED_SQL = '$(subst ','\'',$(value SQL))'
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make setup                        Ansible in .venv; the other targets make it when it is missing
setup: $(VENV)/.done

$(VENV)/.done: requirements.txt
	@python3 -c 'import ensurepip, venv' 2>/dev/null || $(SUDO) sh -c 'apt-get update -q && apt-get install -qy python3-venv'
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement requirements.txt
	@touch $@

# What only tests and lint need, on top.
develop: $(VENV)/.done-dev

$(VENV)/.done-dev: requirements-dev.txt $(VENV)/.done
	$(VENV)/bin/pip install --quiet --requirement requirements-dev.txt
	@touch $@

## make site                         a working group of three nodes on this machine: alpha, bravo, charlie
site: setup
	@$(PLAYBOOK) playbooks/site.yml
	@echo "Also: make psql NODE=alpha SQL='SELECT version()', and make clean-site to remove it all."

## make psql NODE=alpha [SQL='...']  run SQL in the quickstart group's database, rows only; without SQL a session
psql: setup
	@test -n '$(NODE)' || { echo "NODE: name a node of the group, such as make psql NODE=alpha SQL='SELECT 1'" >&2; exit 2; }
	@where=$$($(VENV)/bin/python tests/tools/where.py $(QUICKSTART) '$(NODE)') || exit 2; \
	$(SUDO) /usr/lib/postgresql/15/bin/psql $$where -X $(if $(value SQL),-Atq -v ON_ERROR_STOP=1 -c $(QUOTED_SQL))

## make clean-site                   remove the quickstart group with all its data
clean-site: setup
	@echo 'Removes the group quickstart: its servers and /var/lib/pgbdr/quickstart with all data.'
	@$(PLAYBOOK) playbooks/remove_group.yml -e bdr_confirm=quickstart

## make test                         lint and every test that needs no special source
test: lint unit integration collection molecule

## make lint                         ansible-lint (production), ruff, mypy, yamllint, changelog
lint: develop
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/yamllint --strict .
	PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/antsibull-changelog lint
	PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/ansible-lint --offline

## make unit                         pure tests: tables, golden plans, the rules of the house; no server
unit: develop
	$(VENV)/bin/pytest tests/unit --cov

## make integration                  modules and playbooks against servers on this machine
integration: develop server prometheus browser
	$(PYTEST) tests/integration --numprocesses 2 --dist loadfile --no-loadscope-reorder

## make collection                   the built artifact, installed alone, stands a group up
collection: develop server
	$(PYTEST) tests/collection

## make molecule [SCENARIO=plex]     several hosts of their own, with systemd; all scenarios unless one is named
molecule: develop test-hosts
	@$(MAKE) --no-print-directory $(if $(SCENARIO),,--jobs=2 --output-sync=target) \
		$(addprefix scenario-,$(or $(SCENARIO),$(SCENARIOS)))

scenario-%:
	@$(AS_ROOT) MOLECULE_GLOB='molecule/*/molecule.yml' MOLECULE_COMMAND_BORDERS=false \
		$(VENV)/bin/molecule test --scenario-name $*

## make test-contrib-bdr BDR_SOURCE=... BDR_REF=...  the engine contrib_bdr, from a repository and a branch or tag of it
test-contrib-bdr: develop server test-hosts
	@if [ -z '$(BDR_SOURCE)' ] || [ -z '$(BDR_REF)' ]; then \
		echo '*** SKIPPED: contrib_bdr was NOT tested. Name its source: BDR_SOURCE=<what git clone takes> BDR_REF=<branch or tag>'; \
	else set -e; \
		$(WITH_SOURCE) $(VENV)/bin/pytest tests/contrib_bdr; \
		$(WITH_SOURCE) MOLECULE_GLOB='molecule/*/molecule.yml' MOLECULE_COMMAND_BORDERS=false \
			$(VENV)/bin/molecule test --scenario-name contrib_bdr; \
	fi

## make bench [QUICK=1]              figures as ratios against doing the same by hand; QUICK: one round, three nodes
bench: develop server
	$(AS_ROOT) $(VENV)/bin/python tests/bench/run.py $(if $(QUICK),--quick)
	$(AS_ROOT) $(VENV)/bin/python tests/bench/compare.py $(if $(QUICK),--quick)
	$(AS_ROOT) $(VENV)/bin/python tests/bench/seed.py $(if $(QUICK),--quick)
	$(AS_ROOT) $(VENV)/bin/python tests/bench/status.py $(if $(QUICK),--quick)
	$(if $(QUICK),,$(AS_ROOT) $(VENV)/bin/python tests/bench/build.py)

# What the tests on this machine run against. A PostgreSQL of the distribution's own is neither wanted nor made.
server:
	@$(call INSTALLED,$(SERVER_PACKAGES)) || $(SUDO) sh -c '\
		test -e /etc/postgresql-common/createcluster.conf || { mkdir -p /etc/postgresql-common && \
		echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf; }; \
		apt-get update -q && $(APT_INSTALL) $(SERVER_PACKAGES)'

# What the tests of the monitoring run. The services that the packages bring along are neither wanted nor started.
prometheus:
	@$(call INSTALLED,$(MONITOR_PACKAGES)) || $(SUDO) sh -c '\
		mkdir -p /etc/systemd/system && cd /etc/systemd/system && \
		for name in $(MONITOR_PACKAGES); do test -e /usr/bin/$$name || ln -sf /dev/null $$name.service; done; \
		apt-get update -q && $(APT_INSTALL) $(MONITOR_PACKAGES)'

# What the page of a group's health is looked at with.
browser:
	@$(call INSTALLED,$(BROWSER_PACKAGES)) || $(SUDO) sh -c 'apt-get update -q && $(APT_INSTALL) $(BROWSER_PACKAGES)'

test-hosts:
	@$(call INSTALLED,$(HOST_PACKAGES)) || $(SUDO) sh -c 'apt-get update -q && $(APT_INSTALL) $(HOST_PACKAGES)'
