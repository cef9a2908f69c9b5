package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"maquette.dev/dev/cluster/internal/state"
)

const aboutStatus = `Says whether a cluster is up and how it is. Fails where it is not up, or where its
API server does not answer.`

func newStatus() *cobra.Command {
	var target target
	command := &cobra.Command{
		Use:   "status",
		Short: "Say whether a cluster is up, and how it is",
		Long:  aboutStatus,
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, record, err := target.running()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(command.Context(), 5*time.Second)
			defer cancel()
			return printStatus(ctx, command.OutOrStdout(), dir, record)
		},
	}
	target.addFlags(command)
	return command
}

func printStatus(ctx context.Context, out io.Writer, dir state.Dir, record state.Record) error {
	processes, err := dir.ReadProcesses()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "API server\thttps://127.0.0.1:%d\n", record.Port)
	fmt.Fprintf(table, "kubeconfig\t%s\n", dir.Kubeconfig())
	fmt.Fprintf(table, "logs\t%s\n", dir.Logs())
	fmt.Fprintf(table, "supervisor\tpid %d\n", record.Supervisor.PID)
	fmt.Fprintf(table, "programs\t%s\n", programs(processes))
	if err := table.Flush(); err != nil {
		return err
	}
	return printNodes(ctx, out, dir)
}

// programs lists them, and how often each was started if that was not once.
func programs(processes state.Processes) string {
	var listed []string
	for _, name := range slices.Sorted(maps.Keys(processes)) {
		if starts := processes[name].Starts; starts > 1 {
			name = fmt.Sprintf("%s (started %d times)", name, starts)
		}
		listed = append(listed, name)
	}
	return strings.Join(listed, ", ")
}

func printNodes(ctx context.Context, out io.Writer, dir state.Dir) error {
	config, err := clientcmd.BuildConfigFromFlags("", dir.Kubeconfig())
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return fmt.Errorf("the API server does not answer: %w", err)
	}
	pods, err := client.CoreV1().Pods(meta.NamespaceAll).List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range nodes.Items {
		fmt.Fprintf(out, "node %s is %s, with %s\n", node.Name, readiness(node), count(pods.Items))
	}
	return nil
}

func readiness(node core.Node) string {
	for _, condition := range node.Status.Conditions {
		if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue {
			return "ready"
		}
	}
	return "not ready"
}

func count(pods []core.Pod) string {
	running := 0
	for _, pod := range pods {
		if pod.Status.Phase == core.PodRunning {
			running++
		}
	}
	return fmt.Sprintf("%d pods, of which %d run", len(pods), running)
}
