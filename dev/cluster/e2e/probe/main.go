// probe is what the end-to-end test runs in pods: a server that says which pod it
// is, and the few things a client does.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	switch what {
	case "serve":
		return serve(args[0])
	case "get":
		return get(http.DefaultClient, args[0], "")
	case "api":
		return api(args[0])
	case "resolve":
		addresses, err := net.LookupHost(args[0])
		slices.Sort(addresses)
		fmt.Println(strings.Join(addresses, " "))
		return err
	case "write":
		return os.WriteFile(args[0], []byte(args[1]), 0o600)
	case "read":
		text, err := os.ReadFile(args[0])
		fmt.Println(string(text))
		return err
	}
	return fmt.Errorf("what is %q?", what)
}

func serve(address string) error {
	fmt.Println("serving")
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		name, _ := os.Hostname()
		fmt.Fprintln(w, name)
	}))
}

// api asks the API server as any program in a pod does.
func api(path string) error {
	const account = "/var/run/secrets/kubernetes.io/serviceaccount/"
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	return get(client, "https://kubernetes.default.svc"+path, string(token))
}

func get(client *http.Client, url, token string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}
