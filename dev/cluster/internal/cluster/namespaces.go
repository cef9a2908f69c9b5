package cluster

import "syscall"

// namespaces of a full cluster. The supervisor is the first process of the pid
// namespace: when it ends, however it does, the kernel kills all that runs in
// there, and with the last process the network and all mounts are gone.
const namespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET |
	syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
