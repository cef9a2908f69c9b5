package loopback

import (
	"fmt"
	"io"
	"net"
	"testing"
)

func TestAReservedPortIsExclusive(t *testing.T) {
	held, port, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	if listener, err := net.Listen("tcp4", address); err == nil {
		listener.Close()
		t.Error("another listener got the reserved port")
	}
	held.Close()
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatalf("the port is not given back: %v", err)
	}
	listener.Close()
}

func TestListenTakesAnotherPortWhereThePreferredOneIsTaken(t *testing.T) {
	first, port, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, other, err := Listen(port)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if other == port {
		t.Errorf("both got port %d", port)
	}
}

func TestForwardCarriesBothWaysAndTheEnd(t *testing.T) {
	target, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() {
		connection, err := target.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		// Answers only after the caller has closed its half.
		said, _ := io.ReadAll(connection)
		fmt.Fprintf(connection, "you said %s", said)
	}()
	socket, port, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Forward(socket, target.Addr().String()); err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, "hello")
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(client); err != nil || string(answer) != "you said hello" {
		t.Errorf("got %q, %v", answer, err)
	}
}
