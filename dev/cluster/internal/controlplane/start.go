package controlplane

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"maquette.dev/dev/cluster/internal/state"
	"maquette.dev/dev/cluster/internal/supervise"
)

// Start runs the control plane and returns, once the API server is ready, a
// client that may do everything.
func (c Config) Start(ctx context.Context, group *supervise.Group, progress *state.Progress) (*kubernetes.Clientset, error) {
	if err := c.WriteAuditPolicy(); err != nil {
		return nil, err
	}
	// The API server tries until etcd answers, so they can start side by side.
	for _, program := range []supervise.Program{c.Etcd(), c.APIServer()} {
		if err := group.Keep(program); err != nil {
			return nil, err
		}
	}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	if err := c.waitReady(ctx, client, group); err != nil {
		return nil, err
	}
	progress.Step("API server is ready")
	return client, group.Keep(c.ControllerManager())
}

func (c Config) client() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig("supervisor"))
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // a start is a burst
	return kubernetes.NewForConfig(config)
}

func (c Config) waitReady(ctx context.Context, client *kubernetes.Clientset, group *supervise.Group) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		for _, name := range []string{"etcd", "kube-apiserver"} {
			if group.Starts(name) > 3 {
				return false, fmt.Errorf("%s ends again and again, see %s", name, c.Dir.Path("logs", name+".log"))
			}
		}
		last = client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		return last == nil, nil
	})
	if ctx.Err() != nil {
		return fmt.Errorf("the API server is not ready (%w), see %s", last, c.Dir.Path("logs", "kube-apiserver.log"))
	}
	return err
}
