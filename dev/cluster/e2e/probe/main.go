// probe is what the end-to-end test runs in pods: a server that says which pod it
// is, and the few things a client does.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
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
		return get(args[0])
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

func get(url string) error {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}
