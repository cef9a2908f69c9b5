package node

import (
	"os/exec"

	"maquette.dev/dev/cluster/internal/supervise"
	"maquette.dev/dev/cluster/internal/volumes"
)

func (c Config) containerd() (supervise.Program, error) {
	path, err := exec.LookPath("containerd")
	return supervise.Program{
		Name: "containerd",
		Path: path,
		Args: []string{"--config=" + c.Dir.Path("containerd", "config.toml")},
	}, err
}

// programs are those of the node that need the API server.
func (c Config) programs() []supervise.Program {
	return []supervise.Program{
		{Name: "kubelet", Args: []string{
			"--config=" + c.Dir.Path("kubelet.yaml"),
			"--kubeconfig=" + c.kubeconfig("kubelet"),
			"--hostname-override=" + c.Name,
			"--node-ip=" + address,
			"--root-dir=" + c.Dir.Path("kubelet"),
		}},
		{Name: "kube-proxy", Args: []string{"--config=" + c.Dir.Path("kube-proxy.yaml")}},
		{Name: "kube-scheduler", Args: []string{
			"--kubeconfig=" + c.kubeconfig("kube-scheduler"),
			"--leader-elect=false",
			"--secure-port=0",
		}},
		{Name: "coredns", Args: []string{"-conf=" + c.Dir.Path("Corefile")}},
		{Name: volumes.Program, Args: []string{
			"--kubeconfig=" + c.kubeconfig("volume-provisioner"),
			"--dir=" + c.Dir.Path("volumes"),
			"--node=" + c.Name,
		}},
	}
}
