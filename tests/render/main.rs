//! What holds for whatever is rendered.

#![cfg(test)]

mod config;
mod drift;
mod models;
mod names;
mod pods;
mod view;
