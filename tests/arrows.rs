//! Who may use whom. The folders of `src/` form layers, and each may use only those before it:
//!
//! `contract <- api <- plan <- render, observe <- evolve, graph <- preview <- reconcile <- cli <- main`

#![cfg(test)]

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The layers, from the first; those in one row may not use each other.
const LAYERS: [&[&str]; 8] = [
    &["api"],
    &["plan"],
    &["render", "observe"],
    &["evolve", "graph"],
    &["preview"],
    &["reconcile"],
    &["cli"],
    &["main"],
];
/// The modules without client, clock, environment or randomness.
const PURE: [&str; 7] = ["api", "plan", "render", "observe", "evolve", "graph", "preview"];
const PURE_LINTS: &str = "#![warn(clippy::disallowed_methods, clippy::disallowed_types)]";

#[test]
fn modules_use_only_the_layers_before_them() {
    let mut wrong = vec![];
    for file in rust_files(&root().join("src")) {
        let Some(module) = Module::of_file(&file) else { continue };
        let text = fs::read_to_string(&file).expect("a source file is text");
        wrong.extend(module.wrong_uses(&text).into_iter().map(|(line, why)| {
            let file = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
            format!("{file}:{line}: {why}")
        }));
    }
    assert!(
        wrong.is_empty(),
        "{}\nallowed: contract <- api <- plan <- render, observe <- evolve, graph <- preview <- \
         reconcile <- cli <- main; move what both need to the left",
        wrong.join("\n")
    );
}

#[test]
fn pure_modules_are_held_to_it_by_clippy() {
    let files = PURE.map(|module| root().join("src").join(module).join("mod.rs"));
    for file in files.iter().filter(|file| file.exists()) {
        let text = fs::read_to_string(file).expect("a source file is text");
        assert!(text.contains(PURE_LINTS), "add to {}: {PURE_LINTS}", file.display());
    }
}

#[test]
fn workload_and_contract_know_nothing_of_kubernetes() {
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
fn every_way_to_write_a_wrong_arrow_is_found() {
    let plan = Module { name: "plan".to_owned(), depth: 2 };
    let wrong = [
        "use crate::render::Rendered;",
        "use crate::{api::Shape, render};",
        "fn f() { crate::reconcile::run(); }",
        "fn f() { println!(\"{}\", crate::cli::x()); }",
        "use super::super::observe;",
        "mod tests { use super::super::super::evolve; }",
        "use maquette::cli;",
        "use crate::unheard_of;",
    ];
    for text in wrong {
        assert_eq!(plan.wrong_uses(text).len(), 1, "{text}");
    }
    let right = [
        "use crate::{api::{Shape, render}, plan::Topology};",
        "use maquette_contract::Kind; use super::topology;",
        "mod tests { use super::super::topology; }",
        "pub(crate) fn f() {}",
        "pub(in crate::plan) fn f() {}",
    ];
    for text in right {
        assert_eq!(plan.wrong_uses(text), vec![], "{text}");
    }
}

/// Where a piece of source stands.
struct Module {
    /// The folder of `src/`, or `main`.
    name: String,
    /// How many `super` lead to the root of the crate.
    depth: usize,
}

impl Module {
    /// None for the root of the library, which only lists the modules.
    fn of_file(file: &Path) -> Option<Self> {
        let file =
            file.strip_prefix(root().join("src")).expect("a file below src").with_extension("");
        let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let depth = parts.iter().filter(|part| *part != "mod").count();
        (parts != ["lib"]).then(|| Self { name: parts[0].clone(), depth })
    }

    /// Lines of `text` that use what this module may not, and why.
    fn wrong_uses(&self, text: &str) -> Vec<(usize, String)> {
        let tokens: TokenStream = text.parse().expect("a source file is Rust");
        let mut uses = vec![];
        find_uses(tokens, self.depth, &mut uses);
        let wrong = |used: &Ident| match (layer(&self.name), layer(&used.to_string())) {
            _ if *used == self.name => None,
            (None, _) => Some(format!("`{}` is in no layer: add it to LAYERS", self.name)),
            (_, None) => Some(format!("`{used}` is in no layer: add it to LAYERS")),
            (Some(own), Some(other)) => {
                (other >= own).then(|| format!("`{}` may not use `{used}`", self.name))
            }
        };
        uses.iter().filter_map(|used| Some((used.span().start().line, wrong(used)?))).collect()
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Collects the first segment of every path from the root of the crate. It looks at tokens rather
/// than at syntax, so that paths in the arguments of macros are found too.
fn find_uses(tokens: TokenStream, depth: usize, uses: &mut Vec<Ident>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(next) = root_path(&tokens, at, depth) {
            segments(&tokens[next], uses);
            at = next;
        } else if let TokenTree::Group(group) = &tokens[at] {
            let inline = at >= 2 && is_ident(&tokens[at - 2], "mod");
            find_uses(group.stream(), depth + usize::from(inline), uses);
            at += 1;
        } else {
            at += 1;
        }
    }
}

/// If a path from the root of the crate begins at `at`: where its first segment is.
fn root_path(tokens: &[TokenTree], at: usize, depth: usize) -> Option<usize> {
    let separated = |at: usize| {
        let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
        colon(tokens.get(at)) && colon(tokens.get(at + 1)) && tokens.len() > at + 2
    };
    // The middle of a longer path is not the beginning of one.
    if at >= 2 && separated(at - 2) {
        return None;
    }
    let mut end = at;
    let mut supers = 0;
    while is_ident(&tokens[end], "super") && separated(end + 1) {
        supers += 1;
        end += 3;
    }
    let root = is_ident(&tokens[at], "crate") || is_ident(&tokens[at], "maquette");
    match (root, supers) {
        (true, _) if separated(at + 1) => Some(at + 3),
        (false, supers) if supers > 0 && supers >= depth => Some(end),
        _ => None,
    }
}

/// The modules that a path goes on to: one, or those of a list in braces.
fn segments(token: &TokenTree, uses: &mut Vec<Ident>) {
    match token {
        TokenTree::Ident(ident) => uses.push(ident.clone()),
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            let parts =
                tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','));
            parts.filter_map(<[_]>::first).for_each(|first| segments(first, uses));
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
