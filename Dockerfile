# docker build -t countersign .
#
# `docker build --target release --output FOLDER .` gives the release archive. See docs/install.md.

# The same Rust as in rust-toolchain.toml. Debian 12, so that the archive runs with its glibc and newer ones.
ARG RUST=docker.io/library/rust:1.95.0-slim-bookworm

FROM ${RUST} AS compile
RUN apt-get update && apt-get install -y --no-install-recommends python3
WORKDIR /src
COPY . .
ARG SOURCE_DATE_EPOCH=0
ARG REVISION=unknown
RUN dist/release.sh /release

# `--build-context release=FOLDER` puts a folder of dist/release.sh in place of this stage.
FROM scratch AS release
COPY --from=compile /release/ /

# The few files of Debian that the program needs.
FROM ${RUST} AS system
COPY dist/image/collect.sh /collect.sh
COPY --from=release /files/countersign /countersign
RUN /collect.sh /countersign /system && mkdir /data

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Countersign" \
      org.opencontainers.image.description="Sends one-time codes by SMS and checks them" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="https://github.com/countersign/countersign" \
      org.opencontainers.image.documentation="https://github.com/countersign/countersign/blob/main/docs/install.md" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=system /system/ /
COPY --from=release /files/countersign /usr/bin/countersign
COPY --from=release /files/LICENSE /files/THIRD-PARTY-LICENSES.txt /files/countersign.cdx.json /usr/share/doc/countersign/
COPY dist/image/countersign.toml /etc/countersign/countersign.toml
COPY --from=system --chown=65532:65532 /data/ /data/
ENV PATH=/usr/bin COUNTERSIGN_CONFIG=/etc/countersign/countersign.toml
# A number: Kubernetes can then tell that it is not root.
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080 9090
# Longer than the five seconds that the command waits for an answer.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["countersign", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["countersign"]
CMD ["serve"]
