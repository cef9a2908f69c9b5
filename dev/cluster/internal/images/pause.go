// Package images puts images into the node.
package images

import (
	"embed"
	"errors"
)

// Pause is the name of the image that every pod's sandbox is made of.
const Pause = "maquette.dev/pause:1"

// built holds the program pause once the Makefile has built it; it is a folder,
// as one that lacks the program can be embedded too, for tests and vet.
//
//go:embed all:build
var built embed.FS

// PauseArchive is that image.
func PauseArchive() ([]byte, error) {
	program, err := built.ReadFile("build/pause")
	if err != nil {
		return nil, errors.New("this binary was built without the pause image: build it with `make build`")
	}
	return Archive(Pause, "pause", program)
}
