package loopback

import (
	"io"
	"log"
	"net"
	"os"
)

// Forward carries every connection to the listening socket on to target. The
// socket keeps the network namespace it was opened in, while target is reached
// from that of the process: that is the way into the cluster.
func Forward(socket *os.File, target string) error {
	listener, err := net.FileListener(socket)
	if err != nil {
		return err
	}
	socket.Close()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				log.Printf("accept a connection: %v", err)
				continue
			}
			go carry(client.(*net.TCPConn), target)
		}
	}()
	return nil
}

func carry(client *net.TCPConn, target string) {
	defer client.Close()
	connection, err := net.Dial("tcp", target)
	if err != nil {
		return // the caller sees a closed connection, as without a forwarder
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	done := make(chan struct{}, 2)
	pipe := func(to, from *net.TCPConn) {
		_, _ = io.Copy(to, from) // an end is an end, whichever side caused it
		_ = to.CloseWrite()
		done <- struct{}{}
	}
	go pipe(server, client)
	go pipe(client, server)
	<-done
	<-done
}
