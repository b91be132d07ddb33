# One line each; `just` lists them.

# Serve the demo tenant and the virtual phone on this machine
dev *args:
    cargo run --locked -- dev {{args}}

# Run everything that CI runs
test:
    ./tests/run.sh

# Unit tests of one crate, such as `just unit countersign-core`
unit crate:
    cargo test --locked -p {{crate}}

# Format
fmt:
    cargo fmt --all

# Lint
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Write the generated files: the OpenAPI documents and the table of problems
generate:
    cargo run -q --locked -- openapi > openapi/.new && mv openapi/.new openapi/openapi.json && cargo run -q --locked -- openapi --compatible > openapi/.new && mv openapi/.new openapi/compatible.json && UPDATE_DOCS=1 cargo test -q --locked -p countersign-web problem

# Fail if a generated file differs from the code
check-generated:
    cargo run -q --locked -- openapi | diff -u openapi/openapi.json - && cargo run -q --locked -- openapi --compatible | diff -u openapi/compatible.json - && cargo test -q --locked -p countersign-web problem

# Compare pairs of start and check with the floor, as a ratio
bench pairs="20000":
    cargo build --release --locked -p countersign -p countersign-bench && cargo run --release --locked -p countersign-bench --bin bench -- --pairs {{pairs}}

# Send 100,000 messages through a gateway that takes 100 ms for each
delivery messages="100000":
    cargo build --release --locked -p countersign -p countersign-bench && cargo run --release --locked -p countersign-bench --bin delivery -- --messages {{messages}}

# Compare the refusals of the sign-in page, and measure a sign-in
sign-in tries="200":
    cargo build --release --locked -p countersign -p countersign-bench && cargo run --release --locked -p countersign-bench --bin sign_in -- --tries {{tries}}

# Kill the server under load, look for lost data, and write docs/kill.md
kill kills="20":
    cargo build --locked -p countersign -p countersign-bench && cargo run -q --locked -p countersign-bench --bin kill -- --kills {{kills}} > docs/kill.md

# List and search 10 million verifications; takes the URL of a Postgres database whose user may create databases
history url:
    cargo run --release --locked -p countersign-bench --bin history -- --url {{url}}

# Compare nodes on Redis and Postgres with their floor; takes the URL of an empty Postgres database
fleet url:
    cargo build --release --locked -p countersign -p countersign-bench && cargo run --release --locked -p countersign-bench --bin fleet -- --postgres {{url}}

# Stop a node, Postgres or Redis under load, and write docs/chaos.md; takes the URL of an empty Postgres database
chaos url:
    cargo build --release --locked -p countersign -p countersign-bench && cargo run --release --locked -p countersign-bench --bin chaos -- --postgres {{url}} > docs/chaos.md

# Run at full size the benches that CI runs at one twentieth; takes a Postgres server whose user may create databases, as in postgres://user@host:5432
heavy server:
    just bench 200000 && just delivery && just sign-in && just kill && just history {{server}}/postgres
    psql {{server}}/postgres -c 'CREATE DATABASE fleet' -c 'CREATE DATABASE chaos'
    just fleet {{server}}/fleet && just chaos {{server}}/chaos && just cluster

# Check the Helm chart, without a cluster
chart:
    ./tests/helm/run.sh

# Install, upgrade and break the chart on a real Kubernetes, and write docs/cluster.md; as root on Debian
cluster:
    tests/cluster/build.sh && cargo build --locked -p countersign
    tests/cluster/run.sh "${CARGO_TARGET_DIR:-target}/debug/countersign" > docs/cluster.md

# Check licences, the dependencies between crates, and sources
deny:
    cargo deny --locked check licenses bans sources

# Look for known vulnerabilities; needs the advisory database
advisories:
    cargo deny --locked check advisories

# The release archive of this commit: docs/install.md
release folder="target/archive":
    dist/release.sh {{folder}}

# The container image of this commit, by buildah or docker
image name="localhost/countersign":
    dist/image.sh {{name}}

# What platform teams install: image, archive, systemd unit, compose file
test-image:
    cargo build --locked && tests/image/run.sh "${CARGO_TARGET_DIR:-target}/debug/countersign"
