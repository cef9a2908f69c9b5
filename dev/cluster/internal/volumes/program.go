// Package volumes is the provisioner of the cluster's default StorageClass. Each
// volume is a directory on the node, offered as a `local` PersistentVolume: unlike
// hostPath, that honours fsGroup.
package volumes

import (
	"context"
	"flag"

	rbac "k8s.io/api/rbac/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	// Program is what the binary is called by to be the provisioner.
	Program = "volume-provisioner"
	// Provisioner is what a StorageClass names.
	Provisioner = "maquette.dev/local-directory"
)

// Rules are the rights that the program needs.
var Rules = []rbac.PolicyRule{
	{APIGroups: []string{""}, Resources: []string{"persistentvolumes"},
		Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"}},
	{APIGroups: []string{""}, Resources: []string{"persistentvolumeclaims"},
		Verbs: []string{"get", "list", "watch", "update"}},
	{APIGroups: []string{""}, Resources: []string{"persistentvolumeclaims/status"}, Verbs: []string{"patch"}},
	{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create", "update", "patch"}},
	{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get", "list", "watch"}},
	{APIGroups: []string{"storage.k8s.io"}, Resources: []string{"storageclasses"}, Verbs: []string{"get", "list", "watch"}},
}

// Run is the program; it returns only if it cannot start.
func Run(args []string) error {
	flags := flag.NewFlagSet(Program, flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	directory := flags.String("dir", "", "where the volumes are")
	node := flags.String("node", "", "the node's name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	claims := informers.NewSharedInformerFactory(client, 0).Core().V1().PersistentVolumeClaims().Informer()
	if err := startGrowing(ctx, client, claims); err != nil {
		return err
	}
	provision := controller.NewProvisionController(
		ctx, client, Provisioner, provisioner{directory: *directory, node: *node},
		controller.LeaderElection(false),
		controller.ClaimsInformer(claims),
	)
	go claims.Run(ctx.Done())
	provision.Run(ctx)
	return nil
}
