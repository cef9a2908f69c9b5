#!/usr/bin/env bash
# Builds both images into target/images/*.tar from binaries built outside, with Docker where it
# runs, else with buildah. Does nothing if the archive already holds the binary.
source "$(dirname "$0")/lib.sh"
scripts/setup.sh build image
context=target/image
scripts/binaries.sh "$context/out"
mkdir -p "$archives"
# A larger image shows a dependency that was added by mistake.
most_bytes=20000000

with_docker() {
    docker build --quiet --build-context "build=$context" --target "$1" --tag "$2" . > /dev/null
    docker save --output "$3" "$2"
}

# chroot and vfs need neither a daemon nor kernel features that containers often lack.
with_buildah() {
    local buildah=(buildah --storage-driver vfs --root "$PWD/target/buildah/root"
        --runroot "$PWD/target/buildah/run")
    "${buildah[@]}" bud --quiet --isolation chroot --build-context "build=$context" \
        --target "$1" --tag "$2" . > /dev/null
    "${buildah[@]}" push --quiet "$2" "docker-archive:$3:$2"
    # Only the archive is needed; the store would only grow.
    "${buildah[@]}" rmi --all --force > /dev/null
}

build() {
    local target=$1 binary=$2 image=$3 archive=$archives/$1.tar digest
    digest=$(cat Dockerfile "$context/out/$binary" <(echo "$image") | sha256sum | cut -c1-64)
    if [ -e "$archive" ] && [ "$(cat "$archive.of" 2> /dev/null)" = "$digest" ]; then return; fi
    say "building the image $image"
    rm -f "$archive" "$archive.of"
    if docker_runs; then
        with_docker "$target" "$image" "$archive"
    else
        with_buildah "$target" "$image" "$archive"
    fi
    local bytes
    bytes=$(stat -c %s "$archive")
    [ "$bytes" -le "$most_bytes" ] || die "$image has $bytes bytes, more than the $most_bytes allowed"
    echo "$digest" > "$archive.of"
}

build operator maquette "$operator_image"
build workload workload "$workload_image"
