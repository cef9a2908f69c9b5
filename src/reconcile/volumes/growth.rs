//! Volumes grow as far as their StorageClass lets them; none shrinks or moves to another class.

use super::{
    super::{
        apply::Child,
        cache::WriteFence,
        error::ReconcileError,
        reconcile_context::{ReconcileContext, ReconcileOutcome},
    },
    claims::{VolumeSize, is_bound, requested_size, storage_class, volume_capacity},
    storage_class::{Expansion, StorageClasses},
};
use crate::observe::VolumeNote;
use k8s_openapi::{
    api::core::v1::{
        PersistentVolumeClaim as Claim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
    },
    apimachinery::pkg::{api::resource::Quantity as RawQuantity, apis::meta::v1::ObjectMeta},
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use maquette_contract::keys::FIELD_MANAGER;
use std::time::{Duration, Instant};

/// How soon a volume that may not grow is tried again: somebody may have changed its class.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// That a claim could not grow, so that it is not tried again at once.
#[derive(Clone, Debug)]
pub(in super::super) struct GrowthRefusal {
    size: VolumeSize,
    why: String,
    refused_at: Instant,
}

/// Makes `live` grow to what `wanted` asks for, and notes what is not as it is wanted.
pub(super) async fn grow_claim(
    work: &ReconcileContext<'_>,
    live: &Claim,
    wanted: &Claim,
    classes: &mut StorageClasses,
    outcome: &mut ReconcileOutcome,
) -> Result<(), ReconcileError> {
    note_class(live, wanted, outcome);
    let (Some(has), Some(wants)) = (requested_size(live), requested_size(wanted)) else {
        return Ok(());
    };
    if wants.amount <= has.amount {
        note_progress(live, &has, outcome);
        return Ok(());
    }
    let title = live.display_name();
    if !is_bound(live) {
        // The API server lets only a claim grow that has a volume.
        outcome.waits.push(format!("{title} is to grow to {} once it is bound", wants.text));
        return Ok(());
    }
    match request_growth(work, live, &wants, classes).await? {
        None => {
            let message =
                growth_message(&title, volume_capacity(live).as_ref().unwrap_or(&has), &wants);
            outcome.volume_notes.push(VolumeNote::Growing(message));
        }
        Some(why) => {
            outcome.again(RETRY_AFTER);
            let (has, wants) = (&has.text, &wants.text);
            let message = format!("{title} stays at {has}, although {wants} is wanted: {why}");
            outcome.volume_notes.push(VolumeNote::Unchanged(message));
        }
    }
    Ok(())
}

fn note_class(live: &Claim, wanted: &Claim, outcome: &mut ReconcileOutcome) {
    // Where none is wanted in particular, every class will do.
    let Some(wants) = storage_class(wanted) else { return };
    let has = storage_class(live).unwrap_or_default();
    if has != wants {
        let title = live.display_name();
        let stays = match has {
            "" => "stays without a StorageClass".to_owned(),
            has => format!("stays in StorageClass {has}"),
        };
        let message =
            format!("{title} {stays}, although {wants} is wanted: no volume can change its class");
        outcome.volume_notes.push(VolumeNote::Unchanged(message));
    }
}

fn growth_message(title: &str, from: &VolumeSize, to: &VolumeSize) -> String {
    format!("{title} grows from {} to {}", from.text, to.text)
}

/// Notes a volume that is not yet as large as its claim asks for.
fn note_progress(live: &Claim, asked: &VolumeSize, outcome: &mut ReconcileOutcome) {
    let Some(is) = volume_capacity(live).filter(|is| is_bound(live) && is.amount < asked.amount)
    else {
        return;
    };
    let message = growth_message(&live.display_name(), &is, asked);
    let message = match resize_problem(live) {
        Some(obstacle) => format!("{message}: {obstacle}"),
        None => message,
    };
    outcome.volume_notes.push(VolumeNote::Growing(message));
}

/// What those who make the volume larger say of it.
fn resize_problem(claim: &Claim) -> Option<&str> {
    const TELLING: [&str; 3] =
        ["ControllerResizeError", "NodeResizeError", "FileSystemResizePending"];
    let conditions = claim.status.as_ref()?.conditions.as_ref()?;
    let told = |type_: &&str| conditions.iter().find(|c| c.type_ == **type_ && c.status == "True");
    let told = TELLING.iter().find_map(told)?;
    told.message.as_deref().filter(|message| !message.is_empty())
}

/// Makes the claim ask for more; returns why that is not to be had, if it is not.
async fn request_growth(
    work: &ReconcileContext<'_>,
    live: &Claim,
    wants: &VolumeSize,
    classes: &mut StorageClasses,
) -> Result<Option<String>, ReconcileError> {
    let name = live.name_any();
    let known =
        work.shared.states.with(work.key(), |memory| memory.refused_growth.get(&name).cloned());
    let known =
        known.filter(|known| known.size == *wants && known.refused_at.elapsed() < RETRY_AFTER);
    if let Some(known) = known {
        return Ok(Some(known.why));
    }
    let class = storage_class(live);
    let why = match classes.expansion_of(work, class).await? {
        Expansion::NotAllowed => Some(format!(
            "StorageClass {} lets no volume grow: set its allowVolumeExpansion to true, if its \
             provisioner can make volumes larger",
            class.unwrap_or_default()
        )),
        Expansion::Allowed | Expansion::Unknown => patch_size(work, live, wants).await?,
    };
    work.shared.states.with(work.key(), |memory| match &why {
        None => _ = memory.refused_growth.remove(&name),
        Some(why) => {
            let (size, why) = (wants.clone(), why.clone());
            memory
                .refused_growth
                .insert(name, GrowthRefusal { size, why, refused_at: Instant::now() });
        }
    });
    Ok(why)
}

async fn patch_size(
    work: &ReconcileContext<'_>,
    live: &Claim,
    wants: &VolumeSize,
) -> Result<Option<String>, ReconcileError> {
    let name = live.name_any();
    tracing::info!(
        architecture = %work.key(), claim = name, size = wants.text, "making a volume larger"
    );
    let api: Api<Claim> = work.api();
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(&name, &params, &Patch::Merge(&size_patch(live, wants))).await {
        Ok(made) => {
            work.record_write(WriteFence::new(
                work.shared.caches.claims.progress(),
                &made.metadata,
            ));
            Ok(None)
        }
        // It is gone, or another has its name: the watch will tell.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(None),
        Err(kube::Error::Api(status)) if status.code < 500 => {
            Ok(Some(format!("the API server refused it: {}", status.message)))
        }
        Err(error) => Err(ReconcileError::Unreachable(Box::new(error))),
    }
}

/// The change of `live` that asks for `wants`.
fn size_patch(live: &Claim, wants: &VolumeSize) -> Claim {
    let request = ("storage".to_owned(), RawQuantity(wants.text.clone()));
    let requests = Some([request].into());
    Claim {
        metadata: ObjectMeta { uid: live.uid(), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeClaimSpec {
            resources: Some(VolumeResourceRequirements { requests, limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
