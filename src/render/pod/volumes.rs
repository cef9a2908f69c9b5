//! The volumes of a pod: its configuration, and the data of stores and peers.

use k8s_openapi::api::core::v1::{ConfigMapVolumeSource, Volume, VolumeMount};
use maquette_contract::{Role, keys};

/// The name of the volume with the configuration.
const CONFIG_VOLUME: &str = "config";

/// Whether pods of this role keep data in a volume of their own.
pub(super) fn has_data_volume(role: Role) -> bool {
    match role {
        Role::Store | Role::Peer => true,
        Role::Service | Role::Load => false,
    }
}

/// The volume with the configuration. The claim of the data is the StatefulSet's.
pub(super) fn config_volume(config_map: String) -> Volume {
    Volume {
        name: CONFIG_VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: config_map,
            default_mode: Some(0o644),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Where the container finds its volumes.
pub(super) fn volume_mounts(role: Role) -> Vec<VolumeMount> {
    // Mounted as a folder: the kubelet never refreshes a single file (`subPath`).
    let mut mounts = vec![VolumeMount {
        name: CONFIG_VOLUME.to_owned(),
        mount_path: keys::CONFIG_DIR.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    }];
    if has_data_volume(role) {
        mounts.push(VolumeMount {
            name: keys::CLAIM.to_owned(),
            mount_path: keys::DATA_DIR.to_owned(),
            ..VolumeMount::default()
        });
    }
    mounts
}
