//! The modules of each crate form layers, and each may use only the layers before its own:
//!
//! - operator: `contract <- api <- plan <- render, observe <- evolve, graph, rollout <- preview <-
//!   reconcile <- cli <- main`
//! - workload: `contract <- runtime, storage <- backend <- migration, http <- forward <- service,
//!   store, peer, load <- run <- main`

#![cfg(test)]

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A crate and its layers.
struct LayeredCrate {
    /// The name in `use` paths.
    name: &'static str,
    source: &'static str,
    /// From the lowest; modules in one row may not use each other.
    layers: &'static [&'static [&'static str]],
    /// Whether modules of tests may use the modules in their own row too.
    tests_use_own_row: bool,
}

const OPERATOR: LayeredCrate = LayeredCrate {
    name: "maquette",
    source: "src",
    layers: &[
        &["api"],
        &["plan"],
        &["render", "observe"],
        &["evolve", "graph", "rollout"],
        &["preview"],
        &["reconcile"],
        &["cli"],
        &["main"],
    ],
    tests_use_own_row: false,
};
const WORKLOAD: LayeredCrate = LayeredCrate {
    name: "maquette_workload",
    source: "crates/workload/src",
    layers: &[
        &["runtime", "storage"],
        &["backend"],
        &["migration", "http"],
        &["forward"],
        &["service", "store", "peer", "load"],
        &["run"],
        &["main"],
    ],
    // The tests of a role run the other roles that it talks to.
    tests_use_own_row: true,
};
/// The modules without client, clock, environment or randomness.
const PURE: [&str; 8] =
    ["api", "plan", "render", "observe", "evolve", "graph", "rollout", "preview"];
const PURE_LINTS: &str = "#![warn(clippy::disallowed_methods, clippy::disallowed_types)]";

#[test]
fn modules_of_the_operator_use_only_the_layers_before_them() {
    OPERATOR.assert_layered();
}

#[test]
fn modules_of_the_workload_use_only_the_layers_before_them() {
    WORKLOAD.assert_layered();
}

#[test]
fn pure_modules_enable_their_clippy_lints() {
    let files = PURE.map(|module| root().join("src").join(module).join("mod.rs"));
    for file in &files {
        let text = fs::read_to_string(file).expect("a source file is text");
        assert!(text.contains(PURE_LINTS), "add to {}: {PURE_LINTS}", file.display());
    }
}

#[test]
fn workload_and_contract_do_not_depend_on_kubernetes() {
    for package in ["maquette-workload", "maquette-contract"] {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none"])
            .args(["--package", package])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
        assert!(tree.starts_with(package), "cargo tree printed: {tree}");
        for line in tree.lines() {
            let name = line.split(' ').next().unwrap_or_default();
            let kubernetes = name.starts_with("kube") || name.starts_with("k8s-");
            assert!(!kubernetes && name != "maquette", "{package} depends on {name}");
        }
    }
}

#[test]
fn every_form_of_a_forbidden_use_is_detected() {
    let plan = Module { name: "plan".to_owned(), depth: 2, is_test: false };
    let forbidden = [
        "use crate::render::Rendered;",
        "use crate::{api::Shape, render};",
        "fn f() { crate::reconcile::run(); }",
        "fn f() { println!(\"{}\", crate::cli::x()); }",
        "use super::super::observe;",
        "mod tests { use super::super::super::evolve; }",
        "use maquette::cli;",
        "use crate::unheard_of;",
    ];
    for text in forbidden {
        assert_eq!(OPERATOR.forbidden_uses(&plan, text).len(), 1, "{text}");
    }
    let allowed = [
        "use crate::{api::{Shape, render}, plan::Topology};",
        "use maquette_contract::Collection; use super::topology;",
        "mod tests { use super::super::topology; }",
        "pub(crate) fn f() {}",
        "pub(in crate::plan) fn f() {}",
    ];
    for text in allowed {
        assert_eq!(OPERATOR.forbidden_uses(&plan, text), vec![], "{text}");
    }
}

#[test]
fn tests_of_a_role_may_use_other_roles() {
    let mut service = Module { name: "service".to_owned(), depth: 2, is_test: true };
    for text in ["use crate::store;", "use crate::run;", "use maquette_workload::main;"] {
        let is_allowed = text == "use crate::store;";
        assert_eq!(WORKLOAD.forbidden_uses(&service, text).is_empty(), is_allowed, "{text}");
    }
    service.is_test = false;
    assert_eq!(WORKLOAD.forbidden_uses(&service, "use crate::store;").len(), 1);
}

impl LayeredCrate {
    fn assert_layered(&self) {
        let folder = root().join(self.source);
        let mut forbidden = vec![];
        for file in rust_files(&folder) {
            let path = file.strip_prefix(&folder).expect("a file below the source folder");
            let Some(module) = Module::of_file(path) else { continue };
            let text = fs::read_to_string(&file).expect("a source file is text");
            forbidden.extend(self.forbidden_uses(&module, &text).into_iter().map(
                |(line, reason)| format!("{}/{}:{line}: {reason}", self.source, path.display()),
            ));
        }
        let rows: Vec<_> = self.layers.iter().map(|row| row.join(", ")).collect();
        assert!(
            forbidden.is_empty(),
            "{}\nallowed: contract <- {}; move what both need to the left",
            forbidden.join("\n"),
            rows.join(" <- ")
        );
    }

    /// The lines of `text` that use a module which `module` may not use, with the reason.
    fn forbidden_uses(&self, module: &Module, text: &str) -> Vec<(usize, String)> {
        let tokens: TokenStream = text.parse().expect("a source file is Rust");
        let mut uses = vec![];
        find_uses(tokens, &Root { name: self.name, depth: module.depth }, &mut uses);
        uses.iter()
            .filter_map(|used| {
                let reason = self.refusal(module, &used.to_string())?;
                Some((used.span().start().line, reason))
            })
            .collect()
    }

    /// Why `module` may not use the module `used`.
    fn refusal(&self, module: &Module, used: &str) -> Option<String> {
        if used == module.name {
            return None;
        }
        let (Some(own), Some(other)) = (self.row_of(&module.name), self.row_of(used)) else {
            let unknown = if self.row_of(used).is_none() { used } else { &module.name };
            return Some(format!("`{unknown}` is in no layer: add it to tests/layering.rs"));
        };
        let is_allowed = other < own || (other == own && module.is_test && self.tests_use_own_row);
        (!is_allowed).then(|| format!("`{}` may not use `{used}`", module.name))
    }

    fn row_of(&self, module: &str) -> Option<usize> {
        self.layers.iter().position(|row| row.contains(&module))
    }
}

/// The place of a source file in its crate.
struct Module {
    /// The folder or file below the source folder, without extension.
    name: String,
    /// How many `super` lead to the root of the crate.
    depth: usize,
    is_test: bool,
}

impl Module {
    /// None for the root of the library, which only lists the modules.
    fn of_file(path: &Path) -> Option<Self> {
        let stem = path.with_extension("");
        let parts: Vec<_> = stem.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let depth = parts.iter().filter(|part| *part != "mod").count();
        let is_test = parts.iter().any(|part| part == "tests");
        (parts != ["lib"]).then(|| Self { name: parts[0].clone(), depth, is_test })
    }
}

/// The ways in which a module names the root of its crate.
struct Root {
    name: &'static str,
    depth: usize,
}

/// Collects the first segment of every path from the root of the crate. It looks at tokens rather
/// than at syntax, so that paths in the arguments of macros are found too.
fn find_uses(tokens: TokenStream, root: &Root, uses: &mut Vec<Ident>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(next) = root_path(&tokens, at, root) {
            collect_segments(&tokens[next], uses);
            at = next;
        } else if let TokenTree::Group(group) = &tokens[at] {
            let is_inline_module = at >= 2 && is_ident(&tokens[at - 2], "mod");
            let depth = root.depth + usize::from(is_inline_module);
            find_uses(group.stream(), &Root { depth, ..*root }, uses);
            at += 1;
        } else {
            at += 1;
        }
    }
}

/// If a path from the root of the crate begins at `at`: the index of its first segment.
fn root_path(tokens: &[TokenTree], at: usize, root: &Root) -> Option<usize> {
    // The middle of a longer path is not the beginning of one.
    if at >= 2 && is_separator(tokens, at - 2) {
        return None;
    }
    let mut end = at;
    let mut supers = 0;
    while is_ident(&tokens[end], "super") && is_separator(tokens, end + 1) {
        supers += 1;
        end += 3;
    }
    let is_crate = is_ident(&tokens[at], "crate") || is_ident(&tokens[at], root.name);
    match (is_crate, supers) {
        (true, _) if is_separator(tokens, at + 1) => Some(at + 3),
        (false, supers) if supers > 0 && supers >= root.depth => Some(end),
        _ => None,
    }
}

/// Whether `::` and one more token are at `at`.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_colon(tokens.get(at)) && is_colon(tokens.get(at + 1)) && tokens.len() > at + 2
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

/// Collects the modules that a path continues with: one, or those of a list in braces.
fn collect_segments(token: &TokenTree, uses: &mut Vec<Ident>) {
    match token {
        TokenTree::Ident(ident) => uses.push(ident.clone()),
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            let parts =
                tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','));
            parts.filter_map(<[_]>::first).for_each(|first| collect_segments(first, uses));
        }
        _ => {}
    }
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    let mut files = vec![];
    for path in entries.map(|entry| entry.expect("an entry can be read").path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
