package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Files writes keys and certificates as NAME.crt and NAME.key into a directory.
type Files struct {
	directory string
	authority *Authority
}

// Names of what NewFiles writes; the rest is named by who asks for it.
const (
	CA         = "ca"
	FrontProxy = "front-proxy-ca"
	// ServiceAccounts has a .pub beside its .key: tokens are checked with it.
	ServiceAccounts = "service-accounts"
)

// NewFiles makes the cluster's authority, the one of the API aggregation, whose
// client is front-proxy-client, and the key that signs tokens.
func NewFiles(directory string) (*Files, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	authority, err := newAuthorityIn(directory, CA)
	if err != nil {
		return nil, err
	}
	proxies, err := newAuthorityIn(directory, FrontProxy)
	if err != nil {
		return nil, err
	}
	proxy := &Files{directory: directory, authority: proxies}
	if err := proxy.Issue("front-proxy-client", Subject{Name: "front-proxy-client"}); err != nil {
		return nil, err
	}
	files := &Files{directory: directory, authority: authority}
	return files, files.writeTokenKey()
}

func newAuthorityIn(directory, name string) (*Authority, error) {
	authority, err := NewAuthority("maquette-dev-" + name)
	if err != nil {
		return nil, err
	}
	return authority, os.WriteFile(filepath.Join(directory, name+".crt"), authority.Certificate(), 0o600)
}

// Issue writes a key and a certificate for the subject.
func (f *Files) Issue(name string, subject Subject) error {
	certificate, key, err := f.authority.Issue(subject)
	if err != nil {
		return err
	}
	return f.write(map[string][]byte{name + ".crt": certificate, name + ".key": key})
}

// Kubeconfig writes a file with which the subject talks to the API server.
func (f *Files) Kubeconfig(path, server string, subject Subject) error {
	certificate, key, err := f.authority.Issue(subject)
	if err != nil {
		return err
	}
	const name = "maquette-dev"
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: f.authority.Certificate()}
	config.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}

func (f *Files) writeTokenKey() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	key, err := encodeKey(private)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return err
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return f.write(map[string][]byte{ServiceAccounts + ".key": key, ServiceAccounts + ".pub": public})
}

func (f *Files) write(files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(f.directory, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
