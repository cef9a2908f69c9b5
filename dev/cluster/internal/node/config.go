// Package node makes a full cluster: the control plane and one node, together in
// the namespaces that the calling process, the supervisor, is in.
package node

import (
	"bytes"
	"embed"
	"net"
	"path/filepath"
	"text/template"

	"maquette.dev/dev/cluster/internal/cgroups"
	"maquette.dev/dev/cluster/internal/controlplane"
	"maquette.dev/dev/cluster/internal/images"
	"maquette.dev/dev/cluster/internal/pki"
	"maquette.dev/dev/cluster/internal/state"
)

// The cluster's addresses. It is alone in its network namespace, so that they can
// be the same everywhere.
const (
	address      = "10.89.0.1"
	podCIDR      = "10.244.0.0/24"
	dnsServiceIP = "10.96.0.10"
	apiPort      = 6443
	dnsReady     = "127.0.0.1:8181"
	proxyHealth  = "127.0.0.1:10256"
)

// cniPlugins is where Debian has them.
const cniPlugins = "/usr/lib/cni"

// Config is what differs between two clusters.
type Config struct {
	Dir  state.Dir
	Name string
	// Port is that of 127.0.0.1 outside, from where the API server is reached.
	Port     int
	AuditLog bool
}

// Socket is containerd's.
func Socket(dir state.Dir) string { return dir.Path("containerd", "containerd.sock") }

func (c Config) pki() string { return c.Dir.Path("pki") }

func (c Config) kubeconfig(name string) string {
	return filepath.Join(c.pki(), name+".kubeconfig")
}

func (c Config) controlPlane() controlplane.Config {
	return controlplane.Config{
		Dir:              c.Dir,
		Port:             apiPort,
		BindAddress:      "0.0.0.0",
		AdvertiseAddress: address,
		AuditLog:         c.AuditLog,
	}
}

// writePKI makes what the control plane and the programs of the node need to
// know each other.
func (c Config) writePKI() error {
	plane := c.controlPlane()
	files, err := plane.WritePKI(c.Port)
	if err != nil {
		return err
	}
	for name, subject := range map[string]pki.Subject{
		"kubelet":            {Name: "system:node:" + c.Name, Groups: []string{"system:nodes"}},
		"kube-scheduler":     {Name: "system:kube-scheduler"},
		"kube-proxy":         {Name: "system:kube-proxy"},
		"coredns":            {Name: dnsUser},
		"volume-provisioner": {Name: volumesUser},
	} {
		if err := files.Kubeconfig(c.kubeconfig(name), plane.Server(), subject); err != nil {
			return err
		}
	}
	return files.Issue("kubelet", pki.Subject{
		Name:      "system:node:" + c.Name,
		Groups:    []string{"system:nodes"},
		Hosts:     []string{c.Name},
		Addresses: []net.IP{net.ParseIP(address)},
	})
}

//go:embed files
var files embed.FS

// configFiles are those below files, and where each goes in the directory.
var configFiles = map[string]string{
	"containerd.toml": "containerd/config.toml",
	"cni.conflist":    "cni/pods.conflist",
	"kubelet.yaml":    "kubelet.yaml",
	"kube-proxy.yaml": "kube-proxy.yaml",
	"Corefile":        "Corefile",
}

// render fills in one of the files.
func (c Config) render(name string) ([]byte, error) {
	parsed, err := template.ParseFS(files, "files/"+name)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = parsed.Option("missingkey=error").Execute(&text, map[string]string{
		"Name":         c.Name,
		"Dir":          string(c.Dir),
		"PKI":          c.pki(),
		"Socket":       Socket(c.Dir),
		"Cgroup":       cgroups.Path(c.Name),
		"PauseImage":   images.Pause,
		"CNIPlugins":   cniPlugins,
		"Address":      address,
		"PodCIDR":      podCIDR,
		"DNSServiceIP": dnsServiceIP,
		"DNSReady":     dnsReady,
		"ProxyHealth":  proxyHealth,
	})
	return text.Bytes(), err
}
