package controlplane

import (
	"fmt"

	"maquette.dev/dev/cluster/internal/pki"
	"maquette.dev/dev/cluster/internal/state"
	"maquette.dev/dev/cluster/internal/supervise"
)

// auditPolicy records each request once, when it is answered, with the caller's
// user agent and the code of the answer but no bodies.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// APIServer is the program; where there is an audit log, WriteAuditPolicy comes
// first.
func (c Config) APIServer() supervise.Program {
	args := []string{
		"--etcd-servers=" + etcdSocket,
		"--bind-address=" + c.BindAddress,
		fmt.Sprintf("--secure-port=%d", c.Port),
		"--service-cluster-ip-range=" + ServiceCIDR,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged",
		"--client-ca-file=" + c.pki("ca.crt"),
		"--tls-cert-file=" + c.pki("apiserver.crt"),
		"--tls-private-key-file=" + c.pki("apiserver.key"),
		"--kubelet-certificate-authority=" + c.pki("ca.crt"),
		"--kubelet-client-certificate=" + c.pki("kubelet-client.crt"),
		"--kubelet-client-key=" + c.pki("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.pki(pki.ServiceAccounts+".pub"),
		"--service-account-signing-key-file=" + c.pki(pki.ServiceAccounts+".key"),
		"--requestheader-client-ca-file=" + c.pki(pki.FrontProxy+".crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + c.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + c.pki("front-proxy-client.key"),
	}
	args = append(args, c.reachability()...)
	if c.AuditLog {
		args = append(args, "--audit-policy-file="+c.auditPolicy(), "--audit-log-path="+c.Dir.Path("audit.log"))
	}
	return supervise.Program{Name: "kube-apiserver", Args: args}
}

func (c Config) reachability() []string {
	var args []string
	if c.SharePort {
		args = append(args, "--permit-port-sharing")
	}
	if c.AdvertiseAddress != "" {
		return append(args, "--advertise-address="+c.AdvertiseAddress)
	}
	// The Service default/kubernetes is not used, and the only address, a loopback
	// address, would be refused as its endpoint.
	return append(args, "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none")
}

func (c Config) auditPolicy() string { return c.Dir.Path("audit-policy.yaml") }

// WriteAuditPolicy writes the file that APIServer names.
func (c Config) WriteAuditPolicy() error {
	if !c.AuditLog {
		return nil
	}
	return state.WriteFile(c.auditPolicy(), []byte(auditPolicy))
}
