//! The users of a closed loop: each sends a request, waits for its answer, thinks, and sends the next
//! one.

use super::Shared;
use crate::load::settings::Pace;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinHandle, spawn_local},
    time::sleep_until,
};

/// The users that run, by their numbers.
#[derive(Debug, Default)]
pub(super) struct ClosedLoopUsers(Vec<JoinHandle<()>>);

impl ClosedLoopUsers {
    /// Starts users until there are `count`. Those above end by themselves.
    pub(super) fn start_missing(&mut self, shared: &Rc<Shared>, count: u32) {
        for (number, user) in (0..count).zip(&mut self.0) {
            if user.is_finished() {
                *user = spawn_local(run_user(Rc::clone(shared), number));
            }
        }
        let running = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.extend(
            (running..count).map(|number| spawn_local(run_user(Rc::clone(shared), number))),
        );
    }
}

/// One user, until the settings have no place for its number.
async fn run_user(shared: Rc<Shared>, number: u32) {
    let mut changes = shared.runtime.config.subscribe();
    let mut last_answer = Instant::now();
    // The users do not start in step.
    let mut pause_factor = rand::random::<f64>();
    while let Some(think_time) = think_time(&shared, number) {
        let due_at = last_answer + think_time.mul_f64(pause_factor);
        tokio::select! {
            biased;
            changed = changes.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = sleep_until(due_at.into()) => {}
        }
        if shared.is_stopping() {
            return;
        }
        shared.begin_request(due_at, Instant::now()).run().await;
        (last_answer, pause_factor) = (Instant::now(), 1.0);
    }
}

/// None if the settings in force have no user with this number.
fn think_time(shared: &Shared, number: u32) -> Option<Duration> {
    match shared.runtime.config.current().settings.pace {
        Pace::Closed(closed_loop) if number < closed_loop.users => {
            Some(Duration::from_micros(closed_loop.think_time_micros))
        }
        Pace::Closed(_) | Pace::Open(_) => None,
    }
}
