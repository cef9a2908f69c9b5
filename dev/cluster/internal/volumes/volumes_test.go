package volumes

import (
	"os"
	"path/filepath"
	"testing"

	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func TestAVolumeComesAndGoes(t *testing.T) {
	p := provisioner{directory: filepath.Join(t.TempDir(), "volumes"), node: "n"}
	volume, _, err := p.Provision(t.Context(), controller.ProvisionOptions{
		PVName:       "pvc-1",
		PVC:          claim("1Gi", "", core.ClaimPending),
		StorageClass: &storage.StorageClass{ReclaimPolicy: ptr.To(core.PersistentVolumeReclaimDelete)},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := volume.Spec.Local.Path
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("%v, %v: a pod that is not root cannot write", info, err)
	}
	if info, err := os.Stat(p.directory); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v: others can look into volumes", info, err)
	}
	if size := volume.Spec.Capacity[core.ResourceStorage]; size.String() != "1Gi" {
		t.Errorf("its size is %s", &size)
	}
	if err := os.WriteFile(filepath.Join(path, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Delete(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the directory is left: %v", err)
	}
}

func TestOnlyOwnDirectoriesAreRemoved(t *testing.T) {
	p := provisioner{directory: t.TempDir(), node: "n"}
	other := t.TempDir()
	for name, source := range map[string]core.PersistentVolumeSource{
		"another directory": {Local: &core.LocalVolumeSource{Path: other}},
		"no local volume":   {HostPath: &core.HostPathVolumeSource{Path: other}},
	} {
		t.Run(name, func(t *testing.T) {
			volume := &core.PersistentVolume{ObjectMeta: meta.ObjectMeta{Name: "pvc-1"}}
			volume.Spec.PersistentVolumeSource = source
			if err := p.Delete(t.Context(), volume); err == nil {
				t.Error("no error")
			}
			if _, err := os.Stat(other); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWantsToGrow(t *testing.T) {
	for name, test := range map[string]struct {
		claim *core.PersistentVolumeClaim
		want  bool
	}{
		"more":      {claim("2Gi", "1Gi", core.ClaimBound), true},
		"the same":  {claim("1Gi", "1024Mi", core.ClaimBound), false},
		"less":      {claim("1Gi", "2Gi", core.ClaimBound), false},
		"not bound": {claim("1Gi", "", core.ClaimPending), false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, grows := wantsToGrow(test.claim); grows != test.want {
				t.Errorf("got %v", grows)
			}
		})
	}
}

func claim(wants, has string, phase core.PersistentVolumeClaimPhase) *core.PersistentVolumeClaim {
	made := &core.PersistentVolumeClaim{ObjectMeta: meta.ObjectMeta{Namespace: "t", Name: "data"}}
	made.Spec.VolumeName = "pvc-1"
	made.Spec.Resources.Requests = core.ResourceList{core.ResourceStorage: resource.MustParse(wants)}
	made.Status.Phase = phase
	if has != "" {
		made.Status.Capacity = core.ResourceList{core.ResourceStorage: resource.MustParse(has)}
	}
	return made
}
