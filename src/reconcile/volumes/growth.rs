//! Volumes grow as far as their StorageClass lets them; none shrinks or moves to another class.

use super::{
    super::{
        apply::Child,
        cache::Mark,
        error::Error,
        work::{Outcome, Work},
    },
    claims::{Size, capacity, class, is_bound, size},
    class::{Classes, Expansion},
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
const AGAIN: Duration = Duration::from_secs(60);

/// That a claim could not grow, so that it is not tried again at once.
#[derive(Clone, Debug)]
pub(in super::super) struct Refusal {
    size: Size,
    why: String,
    at: Instant,
}

/// Makes `live` grow to what `wanted` asks for, and notes what is not as it is wanted.
pub(super) async fn see_to(
    work: &Work<'_>,
    live: &Claim,
    wanted: &Claim,
    classes: &mut Classes,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    note_class(live, wanted, outcome);
    let (Some(has), Some(wants)) = (size(live), size(wanted)) else { return Ok(()) };
    if wants.amount <= has.amount {
        note_progress(live, &has, outcome);
        return Ok(());
    }
    let title = live.title();
    if !is_bound(live) {
        // The API server lets only a claim grow that has a volume.
        outcome.waits.push(format!("{title} is to grow to {} once it is bound", wants.text));
        return Ok(());
    }
    match refusal(work, live, &wants, classes).await? {
        None => {
            let message = growing(&title, capacity(live).as_ref().unwrap_or(&has), &wants);
            outcome.volume_notes.push(VolumeNote::Growing(message));
        }
        Some(why) => {
            outcome.again(AGAIN);
            let (has, wants) = (&has.text, &wants.text);
            let message = format!("{title} stays at {has}, although {wants} is wanted: {why}");
            outcome.volume_notes.push(VolumeNote::Stuck(message));
        }
    }
    Ok(())
}

fn note_class(live: &Claim, wanted: &Claim, outcome: &mut Outcome) {
    // Where none is wanted in particular, every class will do.
    let Some(wants) = class(wanted) else { return };
    let has = class(live).unwrap_or_default();
    if has != wants {
        let title = live.title();
        let stays = match has {
            "" => "stays without a StorageClass".to_owned(),
            has => format!("stays in StorageClass {has}"),
        };
        let message =
            format!("{title} {stays}, although {wants} is wanted: no volume can change its class");
        outcome.volume_notes.push(VolumeNote::Stuck(message));
    }
}

fn growing(title: &str, from: &Size, to: &Size) -> String {
    format!("{title} grows from {} to {}", from.text, to.text)
}

/// Notes a volume that is not yet as large as its claim asks for.
fn note_progress(live: &Claim, asked: &Size, outcome: &mut Outcome) {
    let Some(is) = capacity(live).filter(|is| is_bound(live) && is.amount < asked.amount) else {
        return;
    };
    let message = growing(&live.title(), &is, asked);
    let message = match obstacle(live) {
        Some(obstacle) => format!("{message}: {obstacle}"),
        None => message,
    };
    outcome.volume_notes.push(VolumeNote::Growing(message));
}

/// What those who make the volume larger say of it.
fn obstacle(claim: &Claim) -> Option<&str> {
    const TELLING: [&str; 3] =
        ["ControllerResizeError", "NodeResizeError", "FileSystemResizePending"];
    let conditions = claim.status.as_ref()?.conditions.as_ref()?;
    let told = |type_: &&str| conditions.iter().find(|c| c.type_ == **type_ && c.status == "True");
    let told = TELLING.iter().find_map(told)?;
    told.message.as_deref().filter(|message| !message.is_empty())
}

/// Makes the claim ask for more; returns why that is not to be had, if it is not.
async fn refusal(
    work: &Work<'_>,
    live: &Claim,
    wants: &Size,
    classes: &mut Classes,
) -> Result<Option<String>, Error> {
    let name = live.name_any();
    let known = work.cx.memories.with(work.key(), |memory| memory.stuck.get(&name).cloned());
    let known = known.filter(|known| known.size == *wants && known.at.elapsed() < AGAIN);
    if let Some(known) = known {
        return Ok(Some(known.why));
    }
    let class = class(live);
    let why = match classes.expansion(work, class).await? {
        Expansion::NotAllowed => Some(format!(
            "StorageClass {} lets no volume grow: set its allowVolumeExpansion to true, if its \
             provisioner can make volumes larger",
            class.unwrap_or_default()
        )),
        Expansion::Allowed | Expansion::Unknown => ask_for(work, live, wants).await?,
    };
    work.cx.memories.with(work.key(), |memory| match &why {
        None => _ = memory.stuck.remove(&name),
        Some(why) => {
            let (size, why) = (wants.clone(), why.clone());
            memory.stuck.insert(name, Refusal { size, why, at: Instant::now() });
        }
    });
    Ok(why)
}

async fn ask_for(work: &Work<'_>, live: &Claim, wants: &Size) -> Result<Option<String>, Error> {
    let name = live.name_any();
    tracing::info!(
        architecture = %work.key(), claim = name, size = wants.text, "making a volume larger"
    );
    let api: Api<Claim> = work.api();
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(&name, &params, &Patch::Merge(&larger(live, wants))).await {
        Ok(made) => {
            work.wrote(Mark::new(work.cx.caches.claims.progress(), &made.metadata));
            Ok(None)
        }
        // It is gone, or another has its name: the watch will tell.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(None),
        Err(kube::Error::Api(status)) if status.code < 500 => {
            Ok(Some(format!("the API server refused it: {}", status.message)))
        }
        Err(error) => Err(Error::Unreachable(Box::new(error))),
    }
}

/// The change of `live` that asks for `wants`.
fn larger(live: &Claim, wants: &Size) -> Claim {
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
