package node

import (
	"context"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	rbac "k8s.io/api/rbac/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"maquette.dev/dev/cluster/internal/volumes"
)

// The users of the programs of the node that Kubernetes has no role for.
const (
	dnsUser     = "maquette-dev:coredns"
	volumesUser = "maquette-dev:volume-provisioner"
)

// createAddons puts into the API what a cluster has besides Kubernetes itself:
// DNS, the default StorageClass and the rights of the programs behind them.
func createAddons(ctx context.Context, client kubernetes.Interface) error {
	if err := waitNamespace(ctx, client, meta.NamespaceSystem); err != nil {
		return err
	}
	if err := createRole(ctx, client, dnsUser, dnsRules); err != nil {
		return err
	}
	if err := createRole(ctx, client, volumesUser, volumes.Rules); err != nil {
		return err
	}
	if err := createDNS(ctx, client); err != nil {
		return fmt.Errorf("create the DNS Service: %w", err)
	}
	class := storageClass()
	if _, err := client.StorageV1().StorageClasses().Create(ctx, class, meta.CreateOptions{}); err != nil {
		return fmt.Errorf("create the StorageClass: %w", err)
	}
	return nil
}

// waitNamespace waits for a namespace that the API server makes after it is ready.
func waitNamespace(ctx context.Context, client kubernetes.Interface, name string) error {
	return wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, name, meta.GetOptions{})
		if errors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

func createRole(ctx context.Context, client kubernetes.Interface, user string, rules []rbac.PolicyRule) error {
	role := &rbac.ClusterRole{ObjectMeta: meta.ObjectMeta{Name: user}, Rules: rules}
	binding := &rbac.ClusterRoleBinding{
		ObjectMeta: meta.ObjectMeta{Name: user},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.UserKind, Name: user}},
	}
	if _, err := client.RbacV1().ClusterRoles().Create(ctx, role, meta.CreateOptions{}); err != nil {
		return fmt.Errorf("create role %s: %w", user, err)
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, meta.CreateOptions{}); err != nil {
		return fmt.Errorf("bind role %s: %w", user, err)
	}
	return nil
}

var dnsRules = []rbac.PolicyRule{
	{APIGroups: []string{""}, Resources: []string{"namespaces", "pods", "services"}, Verbs: []string{"list", "watch"}},
	{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: []string{"list", "watch"}},
}

// createDNS makes the Service of the cluster's DNS. CoreDNS is no pod but runs on
// the node, so that the Service has no selector and its endpoint is written here.
func createDNS(ctx context.Context, client kubernetes.Interface) error {
	service := &core.Service{
		ObjectMeta: meta.ObjectMeta{Name: "kube-dns", Labels: map[string]string{"k8s-app": "kube-dns"}},
		Spec: core.ServiceSpec{
			ClusterIP: dnsServiceIP,
			Ports: []core.ServicePort{
				{Name: "dns", Port: 53, Protocol: core.ProtocolUDP, TargetPort: intstr.FromInt32(53)},
				{Name: "dns-tcp", Port: 53, Protocol: core.ProtocolTCP, TargetPort: intstr.FromInt32(53)},
			},
		},
	}
	slice := &discovery.EndpointSlice{
		ObjectMeta: meta.ObjectMeta{Name: "kube-dns", Labels: map[string]string{
			discovery.LabelServiceName: "kube-dns",
			discovery.LabelManagedBy:   "maquette-dev-cluster",
		}},
		AddressType: discovery.AddressTypeIPv4,
		Endpoints:   []discovery.Endpoint{{Addresses: []string{address}}},
		Ports: []discovery.EndpointPort{
			{Name: ptr.To("dns"), Port: ptr.To[int32](53), Protocol: ptr.To(core.ProtocolUDP)},
			{Name: ptr.To("dns-tcp"), Port: ptr.To[int32](53), Protocol: ptr.To(core.ProtocolTCP)},
		},
	}
	if _, err := client.CoreV1().Services(meta.NamespaceSystem).Create(ctx, service, meta.CreateOptions{}); err != nil {
		return err
	}
	_, err := client.DiscoveryV1().EndpointSlices(meta.NamespaceSystem).Create(ctx, slice, meta.CreateOptions{})
	return err
}

func storageClass() *storage.StorageClass {
	return &storage.StorageClass{
		ObjectMeta: meta.ObjectMeta{
			Name:        "standard",
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner:          volumes.Provisioner,
		ReclaimPolicy:        ptr.To(core.PersistentVolumeReclaimDelete),
		VolumeBindingMode:    ptr.To(storage.VolumeBindingWaitForFirstConsumer),
		AllowVolumeExpansion: ptr.To(true),
	}
}
