package images

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"testing"
)

func TestArchiveIsWhatDockerSaves(t *testing.T) {
	packed, err := Archive("maquette.dev/hello:1", "hello", []byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, packed)
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest[0].RepoTags[0] != "maquette.dev/hello:1" {
		t.Errorf("the image is named %v", manifest[0].RepoTags)
	}
	layer := files[manifest[0].Layers[0]]
	if content := unpack(t, layer)["hello"]; string(content) != "program" {
		t.Errorf("the program is %q", content)
	}
	var config struct {
		Config struct {
			Entrypoint []string
			User       string
		} `json:"config"`
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(files[manifest[0].Config], &config); err != nil {
		t.Fatal(err)
	}
	if config.RootFS.DiffIDs[0] != "sha256:"+digest(layer) {
		t.Error("the layer is not the one that the configuration names")
	}
	if config.Config.Entrypoint[0] != "/hello" || config.Config.User != "65535:65535" {
		t.Errorf("it runs %v as %v", config.Config.Entrypoint, config.Config.User)
	}
}

func unpack(t *testing.T, packed []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	reader := tar.NewReader(bytes.NewReader(packed))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}
