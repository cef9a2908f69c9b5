// Package e2e brings clusters up and down as a user does, and looks whether they
// work and whether anything is left of them.
package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAFullClusterWorksAndLeavesNothing(t *testing.T) {
	c := newCluster(t)
	before := snapshot(t)
	kubeconfig := c.up()
	started := time.Now()
	if again := c.up(); again != kubeconfig || time.Since(started) > 2*time.Second {
		t.Errorf("up of a cluster that is up took %v and printed %q", time.Since(started), again)
	}
	c.loadProbe()
	c.kubectl("apply", "-f", "testdata/pods.yaml")
	c.kubectl("-n", "e2e", "rollout", "status", "deployment/web", "--timeout=2m")
	c.kubectl("-n", "e2e", "rollout", "status", "statefulset/store", "--timeout=2m")
	t.Run("kubectl", func(t *testing.T) { tryKubectl(t, c.in(t)) })
	t.Run("names", func(t *testing.T) { tryNames(t, c.in(t)) })
	t.Run("API from a pod", func(t *testing.T) {
		if pods := c.in(t).exec("deployment/web", "api", "/api/v1/namespaces/e2e/pods"); !strings.Contains(pods, `"PodList"`) {
			t.Errorf("got %s", pods)
		}
	})
	t.Run("volume", func(t *testing.T) { tryVolume(t, c.in(t)) })
	t.Run("status", func(t *testing.T) {
		if status := c.in(t).run("status", "--name", name); !strings.Contains(status, "node "+name+" is ready") {
			t.Errorf("got %s", status)
		}
	})
	c.down()
	nothingLeft(t, before)
	c.down()
}

func tryKubectl(t *testing.T, c *cluster) {
	if logs := c.kubectl("-n", "e2e", "logs", "store-0"); !strings.Contains(logs, "serving") {
		t.Errorf("the log is %q", logs)
	}
	forward := c.start("kubectl", "-n", "e2e", "port-forward", "service/web", ":80")
	local := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(forward.line())
	response, err := http.Get("http://" + local)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.HasPrefix(string(body), "web-") {
		t.Errorf("through the forwarded port: %q, %v", body, err)
	}
}

func tryNames(t *testing.T, c *cluster) {
	address := c.kubectl("-n", "e2e", "get", "pod", "store-0", "-o", "jsonpath={.status.podIP}")
	for _, name := range []string{"store", "store-0.store", "store.e2e.svc", "store.e2e.svc.cluster.local"} {
		if got := strings.TrimSpace(c.exec("deployment/web", "resolve", name)); got != address {
			t.Errorf("%s is %q, not %s", name, got, address)
		}
	}
	for _, url := range []string{"http://web", "http://store-0.store:8080"} {
		if body := c.exec("deployment/web", "get", url); body == "" {
			t.Errorf("nothing at %s", url)
		}
	}
}

func tryVolume(t *testing.T, c *cluster) {
	c.exec("store-0", "write", "/data/item", "kept")
	c.kubectl("-n", "e2e", "delete", "pod", "store-0")
	c.kubectl("-n", "e2e", "rollout", "status", "statefulset/store", "--timeout=1m")
	if got := c.exec("store-0", "read", "/data/item"); strings.TrimSpace(got) != "kept" {
		t.Errorf("after a restart of the pod there is %q", got)
	}
	c.kubectl("-n", "e2e", "patch", "pvc", "data-store-0", "-p", `{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}`)
	c.kubectl("-n", "e2e", "wait", "pvc/data-store-0", "--for=jsonpath={.status.capacity.storage}=2Gi", "--timeout=30s")
	directories := filepath.Join("/var/lib/maquette-dev", name, "volumes", "*")
	if there, _ := filepath.Glob(directories); len(there) != 1 {
		t.Errorf("the volumes are %v", there)
	}
	c.kubectl("-n", "e2e", "delete", "statefulset/store", "pvc/data-store-0")
	eventually(t, "the released volume is removed", func() bool {
		left, _ := filepath.Glob(directories)
		return len(left) == 0
	})
}

func TestAKilledSupervisorTakesTheClusterAlong(t *testing.T) {
	c := newCluster(t)
	before := snapshot(t)
	c.up()
	c.loadProbe()
	c.kubectl("apply", "-f", "testdata/pods.yaml")
	c.kubectl("-n", "e2e", "rollout", "status", "deployment/web", "--timeout=2m")
	c.killSupervisor()
	eventually(t, "no process of the cluster is left", func() bool { return len(processes(t)) == 0 })
	if _, err := c.try("kubeconfig", "--name", name); err == nil {
		t.Error("a cluster that was killed counts as up")
	}
	c.up()
	if namespaces := c.kubectl("get", "namespaces"); strings.Contains(namespaces, "e2e") {
		t.Errorf("the cluster after a crash is not new: %s", namespaces)
	}
	c.killSupervisor()
	c.down()
	nothingLeft(t, before)
}

func TestAnUpThatIsCutShortLeavesNothing(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		for _, after := range []time.Duration{20, 100, 500, 2000, 4000} {
			t.Run(fmt.Sprintf("%v after %d ms", signal, after), func(t *testing.T) {
				c := newCluster(t)
				before := snapshot(t)
				up := c.start("up", "--name", name)
				time.Sleep(after * time.Millisecond)
				up.end(signal)
				if signal == syscall.SIGKILL {
					c.down()
				}
				nothingLeft(t, before)
			})
		}
	}
}

func TestControlPlanesSideBySideWithoutRoot(t *testing.T) {
	c := newCluster(t)
	home := unprivilegedFolder(t)
	first, second := filepath.Join(home, "first"), filepath.Join(home, "second")
	ups := []*command{
		c.startUnprivileged("up", "--control-plane", "--dir", first, "--audit-log"),
		c.startUnprivileged("up", "--control-plane", "--dir", second),
	}
	for _, up := range ups {
		kubeconfig := up.wait()
		if got := c.run("kubectl", "--kubeconfig", kubeconfig, "create", "namespace", "mine"); !strings.Contains(got, "created") {
			t.Errorf("got %s", got)
		}
	}
	audit, err := os.ReadFile(filepath.Join(first, "audit.log"))
	if err != nil || !strings.Contains(string(audit), `"requestURI":"/api/v1/namespaces?fieldManager=kubectl-create`) {
		t.Errorf("the audit log lacks a request: %v", err)
	}
	for _, dir := range []string{first, second} {
		c.run("down", "--dir", dir)
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
	if left := processesWith(t, home); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

func TestAControlPlaneEndsWithItsParent(t *testing.T) {
	c := newCluster(t)
	home := unprivilegedFolder(t)
	dir := filepath.Join(home, "plane")
	parent := c.startProgram("sleep", "60")
	underParent := []string{"up", "--control-plane", "--dir", dir, "--parent-pid", fmt.Sprint(parent.pid())}
	c.startUnprivileged(underParent...).wait()
	parent.end(syscall.SIGKILL)
	eventually(t, "the control plane is gone", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err) && len(processesWith(t, home)) == 0
	})
	if _, err := c.try(underParent...); err == nil {
		t.Error("a parent that is gone is accepted")
	}
}
