#!/usr/bin/env bash
# Builds the development cluster, helm and actionlint into bin/, and links kubectl to the first.
# Go's own cache makes this quick where nothing has changed.
source "$(dirname "$0")/lib.sh"

say "building bin/maquette-dev-cluster (the first time takes some minutes)"
make --silent -C dev/cluster build
ln -sfn maquette-dev-cluster bin/kubectl
say "building bin/helm and bin/actionlint"
CGO_ENABLED=0 go build -C dev/tools -trimpath -ldflags='-s -w' -o ../../bin/ tool
