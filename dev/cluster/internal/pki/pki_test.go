package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func TestCertificatesAreTrustedForWhatTheyAreFor(t *testing.T) {
	authority := newAuthority(t)
	server := issue(t, authority, Subject{Name: "server", Hosts: []string{"localhost"}, Addresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	client := issue(t, authority, Subject{Name: "system:node:n", Groups: []string{"system:nodes"}})
	roots := x509.NewCertPool()
	roots.AddCert(authority.certificate)
	for _, host := range []string{"localhost", "127.0.0.1"} {
		if _, err := server.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("as %s: %v", host, err)
		}
	}
	if _, err := client.Verify(x509.VerifyOptions{Roots: roots}); err == nil {
		t.Error("a client's certificate does for a server")
	}
	asClient := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := client.Verify(asClient); err != nil {
		t.Error(err)
	}
	if client.Subject.CommonName != "system:node:n" || client.Subject.Organization[0] != "system:nodes" {
		t.Errorf("the client is %v", client.Subject)
	}
	other := x509.NewCertPool()
	other.AddCert(newAuthority(t).certificate)
	if _, err := server.Verify(x509.VerifyOptions{Roots: other}); err == nil {
		t.Error("another authority vouches for it")
	}
}

func TestFilesAreReadableByTheirOwnerOnly(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "pki")
	files, err := NewFiles(directory)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Issue("apiserver", Subject{Name: "apiserver", Hosts: []string{"localhost"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(directory, "apiserver.crt"), filepath.Join(directory, "apiserver.key")); err != nil {
		t.Error(err)
	}
	path := filepath.Join(directory, "admin.kubeconfig")
	if err := files.Kubeconfig(path, "https://127.0.0.1:6443", Subject{Name: "admin"}); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil || config.Host != "https://127.0.0.1:6443" {
		t.Errorf("the kubeconfig is for %v, %v", config, err)
	}
	err = filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		info, statErr := os.Stat(path)
		if statErr == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func newAuthority(t *testing.T) *Authority {
	t.Helper()
	authority, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func issue(t *testing.T, authority *Authority, subject Subject) *x509.Certificate {
	t.Helper()
	text, _, err := authority.Issue(subject)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
