package node

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	proxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"

	"maquette.dev/dev/cluster/internal/controlplane"
	"maquette.dev/dev/cluster/internal/state"
)

var example = Config{Dir: "/var/lib/maquette-dev/n", Name: "n", Port: 20001}

func TestKubeletConfiguration(t *testing.T) {
	var config kubelet.KubeletConfiguration
	if err := yaml.UnmarshalStrict(render(t, "kubelet.yaml"), &config); err != nil {
		t.Fatal(err)
	}
	if config.CgroupRoot != "/maquette-dev-n" || config.ContainerRuntimeEndpoint != "unix://"+Socket(example.Dir) {
		t.Errorf("it uses %s and %s", config.CgroupRoot, config.ContainerRuntimeEndpoint)
	}
	if !slices.Equal(config.ClusterDNS, []string{dnsServiceIP}) {
		t.Errorf("pods ask %v for names", config.ClusterDNS)
	}
	if *config.Authentication.Anonymous.Enabled {
		t.Error("anybody may use the kubelet")
	}
}

func TestProxyConfiguration(t *testing.T) {
	var config proxy.KubeProxyConfiguration
	if err := yaml.UnmarshalStrict(render(t, "kube-proxy.yaml"), &config); err != nil {
		t.Fatal(err)
	}
	if config.ClusterCIDR != podCIDR || config.HostnameOverride != "n" {
		t.Errorf("got %+v", config)
	}
}

func TestPodNetworkIsJSON(t *testing.T) {
	var config map[string]any
	if err := json.Unmarshal(render(t, "cni.conflist"), &config); err != nil {
		t.Error(err)
	}
}

func TestEveryFileHasItsPlace(t *testing.T) {
	entries, err := fs.ReadDir(files, "files")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(configFiles) {
		t.Errorf("%d files, of which %d are written", len(entries), len(configFiles))
	}
	config := example
	config.Dir = state.Dir(t.TempDir())
	if err := config.writeFiles(); err != nil {
		t.Fatal(err)
	}
	for _, place := range configFiles {
		if _, err := os.Stat(config.Dir.Path(place)); err != nil {
			t.Error(err)
		}
	}
}

// A cluster's programs know each other by files that other code writes.
func TestProgramsNameFilesThatAreThere(t *testing.T) {
	config := example
	config.Dir = state.Dir(t.TempDir())
	if err := config.writePKI(); err != nil {
		t.Fatal(err)
	}
	if err := config.writeFiles(); err != nil {
		t.Fatal(err)
	}
	plane := config.controlPlane()
	programs := append(config.programs(), plane.APIServer(), plane.ControllerManager())
	for _, program := range programs {
		for _, arg := range program.Args {
			_, value, _ := strings.Cut(arg, "=")
			extension := filepath.Ext(value)
			if !strings.HasPrefix(value, "/") || extension == "" {
				continue
			}
			if _, err := os.Stat(value); err != nil {
				t.Errorf("%s %s: %v", program.Name, arg, err)
			}
		}
	}
}

func TestTheUsersKubeconfigLeadsThroughTheForwarder(t *testing.T) {
	config := example
	config.Dir = state.Dir(t.TempDir())
	if err := config.writePKI(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config.Dir.Kubeconfig())
	if err != nil || !strings.Contains(string(text), "server: https://127.0.0.1:20001\n") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestServiceAddressesAreInTheRange(t *testing.T) {
	prefix := strings.TrimSuffix(controlplane.ServiceCIDR, "0.0/16")
	for _, address := range []string{dnsServiceIP, controlplane.ServiceIP} {
		if !strings.HasPrefix(address, prefix) {
			t.Errorf("%s is not in %s", address, controlplane.ServiceCIDR)
		}
	}
}

func TestMissingPackagesAreNamedOnce(t *testing.T) {
	none := missingPackages(func(string) bool { return false })
	want := []string{"containerd", "runc", "nftables", "mount", "containernetworking-plugins"}
	if !slices.Equal(none, want) {
		t.Errorf("got %v", none)
	}
	if missing := missingPackages(func(string) bool { return true }); len(missing) > 0 {
		t.Errorf("got %v", missing)
	}
}

func render(t *testing.T, name string) []byte {
	t.Helper()
	text, err := example.render(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
