package controlplane

import (
	"os"
	"slices"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/yaml"

	"maquette.dev/dev/cluster/internal/state"
)

func TestAControlPlaneAloneListensOnLoopbackOnly(t *testing.T) {
	alone := Config{Dir: "/d", Port: 20001, BindAddress: "127.0.0.1", SharePort: true}
	args := alone.APIServer().Args
	for _, want := range []string{"--bind-address=127.0.0.1", "--secure-port=20001", "--permit-port-sharing", "--endpoint-reconciler-type=none"} {
		if !slices.Contains(args, want) {
			t.Errorf("%s is missing in %v", want, args)
		}
	}
	for _, arg := range args {
		if len(arg) > 8 && arg[:8] == "--audit-" {
			t.Errorf("there is %s without an audit log", arg)
		}
	}
}

func TestTheAPIServerOfANodeIsItsServicesEndpoint(t *testing.T) {
	args := Config{Dir: "/d", Port: 6443, BindAddress: "0.0.0.0", AdvertiseAddress: "10.89.0.1"}.APIServer().Args
	if !slices.Contains(args, "--advertise-address=10.89.0.1") || slices.Contains(args, "--endpoint-reconciler-type=none") {
		t.Errorf("got %v", args)
	}
}

func TestAuditLog(t *testing.T) {
	config := Config{Dir: state.Dir(t.TempDir()), AuditLog: true}
	if err := config.WriteAuditPolicy(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config.auditPolicy())
	if err != nil {
		t.Fatal(err)
	}
	var policy auditv1.Policy
	if err := yaml.UnmarshalStrict(text, &policy); err != nil {
		t.Fatal(err)
	}
	if len(policy.Rules) != 1 || policy.Rules[0].Level != auditv1.LevelMetadata {
		t.Errorf("got %+v", policy)
	}
	if !slices.Contains(config.APIServer().Args, "--audit-log-path="+config.Dir.Path("audit.log")) {
		t.Error("the API server writes no audit log")
	}
}
