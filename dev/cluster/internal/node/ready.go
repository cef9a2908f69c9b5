package node

import (
	"context"
	"fmt"
	"net/http"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"maquette.dev/dev/cluster/internal/state"
)

// waitReady returns once a pod that is created now would run, find names and
// reach Services.
func (c Config) waitReady(ctx context.Context, client kubernetes.Interface, progress *state.Progress) error {
	checks := []struct {
		what, log string
		ready     func(context.Context) bool
	}{
		{"cluster DNS", "coredns.log", serves("http://" + dnsReady + "/ready")},
		{"Service proxy", "kube-proxy.log", serves("http://" + proxyHealth + "/healthz")},
		{"default ServiceAccount", "kube-controller-manager.log", func(ctx context.Context) bool {
			_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{})
			return err == nil
		}},
		{"node", "kubelet.log", func(ctx context.Context) bool { return c.nodeReady(ctx, client) }},
	}
	for _, check := range checks {
		err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			return check.ready(ctx), nil
		})
		if err != nil {
			return fmt.Errorf("%s is not ready (%w), see %s", check.what, err, c.Dir.Path("logs", check.log))
		}
		progress.Step("%s is ready", check.what)
	}
	return nil
}

func (c Config) nodeReady(ctx context.Context, client kubernetes.Interface) bool {
	node, err := client.CoreV1().Nodes().Get(ctx, c.Name, meta.GetOptions{})
	if err != nil {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue {
			// The taint of a node that was not ready is taken off a moment later.
			return len(node.Spec.Taints) == 0
		}
	}
	return false
}

func serves(url string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
}
