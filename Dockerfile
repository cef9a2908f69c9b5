# Both images, each one static binary on an empty root:
#   docker build --target operator -t ghcr.io/maquette-dev/maquette:0.1.0 .
#   docker build --target workload -t ghcr.io/maquette-dev/maquette-workload:0.1.0 .
# Without a target it builds the operator's. With `--build-context build=DIR` a folder of binaries
# built outside replaces the stage `build`: scripts/image.sh does that.

FROM docker.io/library/rust:1.95.0-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The image has the toolchain already; the file in the repository would add components to it.
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY . .
RUN rustup target add "$(uname -m)-unknown-linux-musl" && scripts/binaries.sh /out

FROM scratch AS workload
COPY --from=build /out/workload /workload
USER 65532:65532
ENTRYPOINT ["/workload"]

FROM scratch AS operator
COPY --from=build /out/maquette /maquette
USER 65532:65532
ENTRYPOINT ["/maquette"]
CMD ["operator"]
