package node

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"

	"maquette.dev/dev/cluster/internal/controlplane"
)

// makeNetwork fills the cluster's own network namespace: loopback, the node's
// address and the way to Services. There is no way out.
func makeNetwork() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return err
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = "node"
	// A bridge without ports is an interface that every kernel can make.
	bridge := &netlink.Bridge{LinkAttrs: attributes}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("make the node's interface: %w", err)
	}
	own, err := netlink.ParseAddr(address + "/32")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(bridge, own); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return err
	}
	if err := routeServices(bridge); err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
}

// routeServices lets the node's own programs call Services: kube-proxy rewrites
// the destination, but only of what has some route to begin with.
func routeServices(bridge netlink.Link) error {
	_, services, err := net.ParseCIDR(controlplane.ServiceCIDR)
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{
		LinkIndex: bridge.Attrs().Index,
		Dst:       services,
		Src:       net.ParseIP(address),
		Scope:     netlink.SCOPE_LINK,
	})
}
