// Package controlplane runs etcd, the API server and the controller manager:
// all of a cluster that needs no node, no root and no network of its own.
package controlplane

import (
	"fmt"
	"net"

	"maquette.dev/dev/cluster/internal/pki"
	"maquette.dev/dev/cluster/internal/state"
	"maquette.dev/dev/cluster/internal/supervise"
)

// Addresses that every cluster has: each is alone in its network.
const (
	ServiceCIDR = "10.96.0.0/16"
	// ServiceIP is that of the Service default/kubernetes: the range's first.
	ServiceIP = "10.96.0.1"
)

// etcd and the API server meet at a socket in their working directory. It has no
// port that could be taken, and permissions instead of certificates; a relative
// path keeps it short enough for a socket however deep the directory lies.
const etcdSocket = "unix://etcd.sock"

// Config is what differs between a control plane alone and that of a node.
type Config struct {
	Dir state.Dir
	// Port is where the API server listens, on BindAddress.
	Port        int
	BindAddress string
	// AdvertiseAddress is the API server's for pods; empty where there are none.
	AdvertiseAddress string
	// SharePort lets the API server listen where loopback.Reserve holds the port.
	SharePort bool
	// AuditLog makes the API server write audit.log.
	AuditLog bool
}

func (c Config) pki(file string) string { return c.Dir.Path("pki", file) }

// Server is the address of the API server, for programs beside it.
func (c Config) Server() string { return fmt.Sprintf("https://127.0.0.1:%d", c.Port) }

func (c Config) kubeconfig(name string) string { return c.Dir.Path("pki", name+".kubeconfig") }

// WritePKI makes the keys, certificates and kubeconfigs of the control plane. The
// user's kubeconfig names port on 127.0.0.1, which may lead through a forwarder.
func (c Config) WritePKI(port int) (*pki.Files, error) {
	files, err := pki.NewFiles(c.Dir.Path("pki"))
	if err != nil {
		return nil, err
	}
	server := pki.Subject{
		Name:      "kube-apiserver",
		Hosts:     []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		Addresses: []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(ServiceIP)},
	}
	if c.AdvertiseAddress != "" {
		server.Addresses = append(server.Addresses, net.ParseIP(c.AdvertiseAddress))
	}
	admins := []string{"system:masters"}
	kubelets := pki.Subject{Name: "kube-apiserver-kubelet-client", Groups: admins}
	for name, subject := range map[string]pki.Subject{"apiserver": server, "kubelet-client": kubelets} {
		if err := files.Issue(name, subject); err != nil {
			return nil, err
		}
	}
	manager := pki.Subject{Name: "system:kube-controller-manager"}
	if err := files.Kubeconfig(c.kubeconfig("controller-manager"), c.Server(), manager); err != nil {
		return nil, err
	}
	// The supervisor's own way to the API server, past any forwarder.
	supervisor := pki.Subject{Name: "maquette-dev-cluster", Groups: admins}
	if err := files.Kubeconfig(c.kubeconfig("supervisor"), c.Server(), supervisor); err != nil {
		return nil, err
	}
	user := pki.Subject{Name: "developer", Groups: admins}
	return files, files.Kubeconfig(c.Dir.Kubeconfig(), fmt.Sprintf("https://127.0.0.1:%d", port), user)
}

// Etcd keeps the data only as long as the cluster runs, so that it need not wait
// for the disk. It has no peers: the addresses for peers must have ports, but are
// not used, so they keep their defaults.
func (c Config) Etcd() supervise.Program {
	return supervise.Program{Name: "etcd", Args: []string{
		"--data-dir=etcd",
		"--unsafe-no-fsync",
		"--listen-client-urls=" + etcdSocket,
		"--advertise-client-urls=http://localhost:2379",
		"--listen-peer-urls=unix://etcd-peers.sock",
		"--log-level=warn",
	}}
}

// ControllerManager serves nothing itself: it needs no port.
func (c Config) ControllerManager() supervise.Program {
	return supervise.Program{Name: "kube-controller-manager", Args: []string{
		"--kubeconfig=" + c.kubeconfig("controller-manager"),
		"--secure-port=0",
		"--leader-elect=false",
		"--use-service-account-credentials",
		// Its start is a burst of requests, which the default spreads over seconds.
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		"--root-ca-file=" + c.pki("ca.crt"),
		"--service-account-private-key-file=" + c.pki(pki.ServiceAccounts+".key"),
	}}
}
