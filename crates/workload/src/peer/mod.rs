//! The peer.

mod ask;
mod check;
mod fellows;
mod gauge;
mod gossip;
mod heal;
mod item;
mod layout;
mod members;
mod membership;
mod node;
mod phase;
mod probe;
mod quorum;
mod ready;
mod replica;
mod report;
mod running;
mod serve;
mod situation;
mod standing;
mod summary;
mod timing;
mod volume;
mod whole;
mod wire;

#[cfg(test)]
mod tests;
