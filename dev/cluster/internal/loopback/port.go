// Package loopback takes ports of 127.0.0.1 and carries connections from there
// to the cluster.
package loopback

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Reserve takes a free port. Only a program of the same user that asks to share it
// can listen there, so no other program can take it before the API server does. The
// port is reserved until the file and all copies of it are closed.
func Reserve() (*os.File, int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("take a port: %w", err)
	}
	file := os.NewFile(uintptr(fd), "reserved port")
	port, err := bindShared(fd)
	if err != nil {
		file.Close()
		return nil, 0, fmt.Errorf("take a port of 127.0.0.1: %w", err)
	}
	return file, port, nil
}

func bindShared(fd int) (int, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return name.(*unix.SockaddrInet4).Port, nil
}

// Listen opens the preferred port, or any free one where that is taken.
func Listen(preferred int) (*os.File, int, error) {
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", preferred))
	if err != nil {
		listener, err = net.Listen("tcp4", "127.0.0.1:0")
	}
	if err != nil {
		return nil, 0, err
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	return file, listener.Addr().(*net.TCPAddr).Port, err
}
