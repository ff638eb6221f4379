# All that is needed on a fresh machine with Rust: `make demo` and `make test` set up the rest by themselves.
# Written for GNU make 3.81, which macOS has.

CARGO ?= cargo
OUTDIAL = $(or $(CARGO_TARGET_DIR),target)/release/outdial
# Packages are installed by root; whoever is not asks sudo.
AS_ROOT = $$(test "$$(id -u)" = 0 || echo sudo)
# Where outdial itself looks for the server's programs.
POSTGRES_PLACES = /usr/lib/postgresql/*/bin/postgres \
	/opt/homebrew/opt/postgresql@*/bin/postgres /usr/local/opt/postgresql@*/bin/postgres \
	/usr/libexec/postgresql/postgres /usr/pgsql/bin/postgres /usr/local/pgsql/bin/postgres \
	/Applications/Postgres.app/Contents/Versions/latest/bin/postgres
# What is only needed by `make audit`.
TOOLS = target/tools
DENY = $(TOOLS)/bin/cargo-deny
# What is fuzzed, and for how many seconds each.
FUZZED = import parts phone
FUZZ_SECONDS = 20
# How many cases each property is tried with by `make explore`, and the seed of those that `make test` tries: a change
# is judged by what it does, and not by what is drawn.
CASES = 3000
SEED = 1

.DEFAULT_GOAL := help
.PHONY: help demo serve test explore audit replay chaos peers bench fuzz schemathesis machine rust lints compiler postgres browser

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: machine ## Watch sixty made-up people being called, on the simulator
	@test -x $(OUTDIAL) || echo "The first build takes about five minutes."
	$(CARGO) build --release --locked
	$(OUTDIAL) demo $(ARGS)

serve: machine ## Run the server; its variables: outdial serve --help
	$(CARGO) build --release --locked
	$(OUTDIAL) serve

test: machine lints browser ## Run everything that must hold: format, lints, tests
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	PROPTEST_RNG_SEED=$(SEED) $(CARGO) test --locked

explore: machine ## Try every property with many more cases, drawn anew each time: about ten minutes
	PROPTEST_CASES=$(CASES) $(CARGO) test --locked --lib
	OUTDIAL_SIMULATION_FROM=$$(date +%s)0000 $(CARGO) test --locked --lib simulation::campaigns_keep
	OUTDIAL_FUZZ_SEED=$$(date +%s) $(CARGO) test --locked --test it corpus::

replay: machine ## Tell the story of a simulation's seed that failed: make replay SEED=1234
	OUTDIAL_SIMULATION_SEED=$(SEED) $(CARGO) test --locked --lib -- --exact --nocapture \
		domain::simulation::a_seed_tells_its_story
# The tool's own build takes some minutes, once. Only the last line needs a network besides: it asks for known weaknesses.
audit: rust compiler $(DENY) ## Hold all that is built in to deny.toml, and look for known weaknesses
	$(DENY) --locked check bans licenses sources
	$(DENY) --locked check advisories

$(DENY):
	$(CARGO) install cargo-deny --locked --version '^0.20' --root $(TOOLS)

# CHAOS_MINUTES of storm come after some ten minutes of each fault by itself; CHAOS_SEED repeats what a run did; the report
# goes to CHAOS_REPORT, or target/chaos.json.
chaos: machine ## Kill nodes and database while people are called, and judge what became of them
	$(CARGO) test --locked --test it -- --ignored --exact --nocapture chaos::a_long_storm_breaks_no_promise

peers: ## Install what the import bench is compared with: Python, pandas, phonenumbers
	python3 -m venv target/peers
	target/peers/bin/pip install --quiet -r benches/peers/requirements.txt

# Its arguments are ST_ARGS, such as ST_ARGS="--seed 7 --max-examples 200".
schemathesis: machine ## Make up requests out of the API's description, and hold the answers to it
	$(CARGO) build --locked
	test -x target/schemathesis/bin/schemathesis || { python3 -m venv target/schemathesis && \
		target/schemathesis/bin/pip install --quiet 'schemathesis==4.32.5'; }
	tests/openapi/schemathesis.sh $(or $(CARGO_TARGET_DIR),target)/debug/outdial \
		target/schemathesis/bin/schemathesis $(ST_ARGS)

bench: machine ## Measure what the README's figures come from
	$(CARGO) bench --locked

# Our code has nothing unsafe, so that no sanitizer is built in. The versions are those that ship. A finding lies in
# fuzz/artifacts; what is kept of it gets a name in fuzz/corpus, and is read again by `make test`.
fuzz: rust compiler ## Make up contact lists for a minute, to find one that is not read as it should be
	@cargo +nightly --version > /dev/null 2>&1 || \
		{ echo "Nightly Rust is missing: rustup toolchain install nightly" >&2; exit 1; }
	@cargo fuzz --version > /dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 1; }
	@command -v c++ > /dev/null || { echo "A C++ compiler is missing, with which libFuzzer is built" >&2; exit 1; }
	cp Cargo.lock fuzz/Cargo.lock
	for target in $(FUZZED); do \
		cargo +nightly fuzz run --sanitizer none $$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 || exit 1; \
	done

machine: rust compiler postgres ## Install what this machine lacks

rust:
	@command -v $(CARGO) > /dev/null || { echo "Rust is missing: https://rustup.rs says how to install it" >&2; exit 1; }

# Rust's smallest installation has neither the formatter nor the linter.
lints: rust
	@{ $(CARGO) fmt --version && $(CARGO) clippy --version; } > /dev/null 2>&1 || rustup component add rustfmt clippy

# Rust links with the C compiler, and the cryptography is built with it.
compiler:
	@command -v cc > /dev/null && exit 0; \
	if command -v apt-get > /dev/null; then \
		echo "Installing a C compiler"; \
		$(AS_ROOT) apt-get update -qq && \
		$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev; \
	else \
		echo "A C compiler is missing; on macOS: xcode-select --install" >&2; exit 1; \
	fi

postgres: ## Install PostgreSQL's server where there is none
	@command -v postgres > /dev/null && exit 0; \
	for found in $(POSTGRES_PLACES); do test -x "$$found" && exit 0; done; \
	if command -v apt-get > /dev/null; then \
		echo "Installing PostgreSQL"; \
		$(AS_ROOT) apt-get update -qq && \
		$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; \
	elif command -v brew > /dev/null; then \
		brew install postgresql@17; \
	else \
		echo "PostgreSQL's server is missing; install it with this system's packages" >&2; exit 1; \
	fi

# Only tests need it, so that a machine that can have none goes on without; those tests then say so. Not in CI.
browser: ## Install the browser that the pages are tested in
	@command -v chromedriver > /dev/null && { command -v chromium || command -v google-chrome; } > /dev/null && exit 0; \
	if command -v apt-get > /dev/null; then \
		echo "Installing Chromium and its driver"; \
		$(AS_ROOT) apt-get update -qq && \
		$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			chromium chromium-driver && exit 0; \
	fi; \
	echo "Chromium and chromedriver are missing and cannot be installed here: no page is tried in a browser" >&2; \
	test "$$CI" != true
