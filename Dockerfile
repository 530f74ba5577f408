# Builds the image that `make image` builds without Docker (docs/deployment.md):
#   docker build --build-arg VERSION=$(git describe --tags --always) --build-arg COMMIT=$(git rev-parse HEAD) -t deployrecords .
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION=dev
ARG COMMIT=unknown
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X github.com/deployrecords/deployrecords/internal/cli.Version=$VERSION -X github.com/deployrecords/deployrecords/internal/cli.Commit=$COMMIT" \
      -o /root-of-image/usr/bin/deployrecords ./cmd/deployrecords && \
    mkdir -p /root-of-image/etc/ssl/certs /data && \
    cp /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/

FROM scratch
COPY --from=build /root-of-image /
COPY --from=build --chown=65532:65532 /data /data
ARG VERSION=dev
ARG COMMIT=unknown
LABEL org.opencontainers.image.title=deployrecords
LABEL org.opencontainers.image.source=https://github.com/deployrecords/deployrecords
LABEL org.opencontainers.image.version=$VERSION
LABEL org.opencontainers.image.revision=$COMMIT
LABEL org.opencontainers.image.licenses=Apache-2.0
ENV PATH=/usr/bin
ENV DATABASE_URL=sqlite:///data/deployrecords.db
ENV LISTEN_ADDR=:8080
USER 65532:65532
WORKDIR /data
EXPOSE 8080
# There is no HEALTHCHECK, which would need a program in the image: let the orchestrator ask /healthz and /readyz.
ENTRYPOINT ["/usr/bin/deployrecords"]
CMD ["serve"]
