package volumes

import (
	"context"
	"encoding/json"
	"errors"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// startGrowing grants every claim the size that it asks for. A directory has no
// size of its own: only what the API says has to change.
func startGrowing(ctx context.Context, client kubernetes.Interface, claims cache.SharedIndexInformer) error {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	add := func(claim any) {
		if key, err := cache.MetaNamespaceKeyFunc(claim); err == nil {
			queue.Add(key)
		}
	}
	_, err := claims.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(_, claim any) { add(claim) },
	})
	go func() {
		for key, ended := queue.Get(); !ended; key, ended = queue.Get() {
			if err := growByKey(ctx, client, claims.GetStore(), key); err != nil {
				klog.FromContext(ctx).Error(err, "Growing a volume", "claim", key)
				queue.AddRateLimited(key)
			} else {
				queue.Forget(key)
			}
			queue.Done(key)
		}
	}()
	return err
}

func growByKey(ctx context.Context, client kubernetes.Interface, claims cache.Store, key string) error {
	found, exists, err := claims.GetByKey(key)
	if err != nil || !exists {
		return err
	}
	claim, isClaim := found.(*core.PersistentVolumeClaim)
	if !isClaim {
		return errors.New("not a claim")
	}
	size, grows := wantsToGrow(claim)
	if !grows {
		return nil
	}
	volume, err := client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, meta.GetOptions{})
	if err != nil {
		return err
	}
	if volume.Annotations["pv.kubernetes.io/provisioned-by"] != Provisioner {
		return nil
	}
	return grow(ctx, client, claim, size)
}

// wantsToGrow says whether a bound claim asks for more than it has.
func wantsToGrow(claim *core.PersistentVolumeClaim) (resource.Quantity, bool) {
	wanted := claim.Spec.Resources.Requests[core.ResourceStorage]
	has, known := claim.Status.Capacity[core.ResourceStorage]
	return wanted, known && claim.Status.Phase == core.ClaimBound && wanted.Cmp(has) > 0
}

// grow tells first the volume and then its claim, so that a claim that has its
// size is done.
func grow(ctx context.Context, client kubernetes.Interface, claim *core.PersistentVolumeClaim, size resource.Quantity) error {
	capacity := core.ResourceList{core.ResourceStorage: size}
	ofVolume, err := json.Marshal(map[string]any{"spec": map[string]any{"capacity": capacity}})
	if err != nil {
		return err
	}
	ofClaim, err := json.Marshal(map[string]any{"status": map[string]any{"capacity": capacity}})
	if err != nil {
		return err
	}
	volumes := client.CoreV1().PersistentVolumes()
	if _, err := volumes.Patch(ctx, claim.Spec.VolumeName, types.MergePatchType, ofVolume, meta.PatchOptions{}); err != nil {
		return err
	}
	claims := client.CoreV1().PersistentVolumeClaims(claim.Namespace)
	_, err = claims.Patch(ctx, claim.Name, types.MergePatchType, ofClaim, meta.PatchOptions{}, "status")
	return err
}
