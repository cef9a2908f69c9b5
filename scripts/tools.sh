#!/usr/bin/env bash
# Builds the development cluster, helm and actionlint into bin/, and links kubectl to the first.
# Go's own cache makes this quick if nothing has changed.
source "$(dirname "$0")/lib.sh"

say "building bin/maquette-dev-cluster$(first_time bin/maquette-dev-cluster "some minutes")"
make --silent -C dev/cluster build
ln -sfn maquette-dev-cluster bin/kubectl
say "building bin/helm and bin/actionlint"
# The versions that Helm's own releases carry: without them Helm assumes Kubernetes 1.20.
helm=helm.sh/helm/v3
helm_version=$(go list -C dev/tools -m -f '{{ .Version }}' "$helm")
CGO_ENABLED=0 go build -C dev/tools -trimpath -o ../../bin/ -ldflags "-s -w \
    -X $helm/internal/version.version=$helm_version \
    -X $helm/pkg/chartutil.k8sVersionMajor=1 -X $helm/pkg/chartutil.k8sVersionMinor=35" tool
