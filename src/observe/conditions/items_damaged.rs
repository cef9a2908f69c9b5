//! `ItemsDamaged`: true while a pod knows of items that cannot be read; absent otherwise. It is no fault
//! of the running model: all other items are served.

use super::{Assessment, ConditionState, Reason, condition_types, state::held_condition};
use crate::observe::text::join_items;

pub(super) fn evaluate(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let lines = &assessment.storage.damaged;
    if !lines.is_empty() {
        let message = format!(
            "{}. Reads of them fail until they are written again or deleted; the pods' logs say what \
             is wrong with each",
            join_items(lines.iter().cloned())
        );
        return Some(ConditionState::new_true(Reason::DamagedItems, message));
    }
    let (subject, type_) = (assessment.subject, condition_types::ITEMS_DAMAGED);
    assessment
        .storage
        .is_awaited
        .then(|| held_condition(subject, type_, &[Reason::DamagedItems]))?
}
