// Package images puts images into the node.
package images

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"runtime"
)

// Pause is the name of the image that every pod's sandbox is made of.
const Pause = "maquette.dev/pause:1"

// built holds the program pause once the Makefile has built it; it is a folder,
// as one that lacks the program can be embedded too, for tests and vet.
//
//go:embed all:build
var built embed.FS

// PauseArchive is the image, as `docker save` would write it.
func PauseArchive() ([]byte, error) {
	program, err := built.ReadFile("build/pause")
	if err != nil {
		return nil, errors.New("this binary was built without the pause image: build it with `make build`")
	}
	return archive(Pause, "pause", program)
}

// file is one file in a tar archive.
type file struct {
	name    string
	mode    int64
	content []byte
}

// archive makes a docker-archive of an image with one program, which runs as
// nobody.
func archive(name, program string, content []byte) ([]byte, error) {
	layer, err := pack(file{program, 0o755, content})
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{"Entrypoint": []string{"/" + program}, "User": "65535:65535"},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config":   digest(config) + ".json",
		"RepoTags": []string{name},
		"Layers":   []string{"layer.tar"},
	}})
	if err != nil {
		return nil, err
	}
	return pack(
		file{digest(config) + ".json", 0o644, config},
		file{"layer.tar", 0o644, layer},
		file{"manifest.json", 0o644, manifest},
	)
}

func pack(files ...file) ([]byte, error) {
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return packed.Bytes(), err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
