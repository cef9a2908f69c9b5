//! The workload of Maquette's models: one folder a role, and what they share.

pub mod storage;
