package cluster

import (
	"hash/fnv"
	"os"

	"maquette.dev/dev/cluster/internal/loopback"
)

// openPort takes the API server's port on 127.0.0.1. In a full cluster that is a
// forwarder's, which listens already; otherwise it is held for the API server.
func openPort(plan Plan) (*os.File, int, error) {
	if plan.Full() {
		return loopback.Listen(preferredPort(plan.Name))
	}
	return loopback.Reserve()
}

// preferredPort stays the same for a name, so that what has the address of a
// cluster finds the next one of that name there too. It is below the ports that
// the kernel gives to clients.
func preferredPort(name string) int {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	return 20000 + int(hash.Sum32()%10000)
}
