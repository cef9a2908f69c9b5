//! `Reconciling`: true while the operator works on the specification; absent otherwise, as kstatus
//! expects. It says what `Progressing` says.

use super::{Assessment, ConditionState, ConditionStatus, progressing};

pub(super) fn evaluate(assessment: &Assessment<'_>) -> Option<ConditionState> {
    let progressing = progressing::evaluate(assessment);
    (progressing.status == ConditionStatus::True).then_some(progressing)
}
