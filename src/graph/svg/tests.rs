use super::{label::EdgeLabel, *};
use crate::graph::{Model, compare::Change, layout::Rect};
use crate::{
    api::ArchitectureSpec,
    plan::{EdgeKind, Identity, plan},
};

fn model(spec: &str) -> Model {
    let spec: ArchitectureSpec = serde_norway::from_str(spec).unwrap();
    let identity =
        Identity { name: "shop".parse().unwrap(), namespace: String::new(), uid: String::new() };
    Model::from_topology(&plan(&spec.validate("shop").unwrap(), identity).unwrap())
}

/// 24 services with long names, each with a store, of which each calls every `every`th below it.
fn crowded(every: usize) -> Model {
    let name = |n: usize| {
        format!("service-of-a-long-name-{}", char::from(b'a' + u8::try_from(n).unwrap()))
    };
    let service = |n: usize| {
        let calls: Vec<_> = (n + 1..24)
            .filter(|to| *to == n + 1 || (to - n).is_multiple_of(every))
            .map(|to| format!("{{service: {}, probabilityPercent: {}}}", name(to), 10 + to))
            .collect();
        let owns = if n == 23 { "['*']".to_owned() } else { format!("[items-{n}]") };
        let replicas = n % 4 + 1;
        let (name, calls) = (name(n), calls.join(", "));
        format!("{{name: {name}, owns: {owns}, replicas: {replicas}, calls: [{calls}]}}")
    };
    let services: Vec<_> = (0..24).map(service).collect();
    model(&format!("{{shape: NTier, nTier: {{services: [{}]}}}}", services.join(", ")))
}

fn assert_readable(picture: &Picture) {
    let drawing = Drawing::new(picture);
    let labels = drawing.labels.iter().map(|label| label.place);
    let places: Vec<Rect> = drawing.layout.places.iter().copied().chain(labels).collect();
    for (index, one) in places.iter().enumerate() {
        for other in &places[index + 1..] {
            assert!(!one.overlaps(other), "{one:?} covers {other:?}");
        }
        let Rect { corner, size } = one;
        assert!(corner.x >= 0.0 && corner.x + size.width <= drawing.size.width, "{one:?} is cut");
    }
    for (arrow, path) in picture.arrows.iter().zip(&drawing.layout.paths) {
        let places = drawing.layout.places.iter().enumerate();
        for (vertex, place) in places.filter(|(at, _)| ![arrow.from, arrow.to].contains(at)) {
            let crosses = arrows::sample_points(path).iter().any(|point| place.contains(*point));
            assert!(!crosses, "{arrow:?} crosses {}", picture.vertices[vertex].name);
        }
    }
}

#[test]
fn nothing_covers_anything_in_a_crowded_picture() {
    for every in [2, 5, 30] {
        let crowded = crowded(every);
        assert_readable(&Picture::of_model(&crowded, "shop", "NTier"));
        let before = model("shape: PeerToPeer");
        assert_readable(&Picture::of_change(&before, &crowded, "shop", "PeerToPeer → NTier"));
    }
}

#[test]
fn every_label_finds_room_in_a_crowded_picture() {
    let crowded = crowded(5);
    let picture = Picture::of_model(&crowded, "shop", "NTier");
    let labeled = picture.arrows.iter().filter(|arrow| arrow.label.is_some()).count();
    assert_eq!(Drawing::new(&picture).labels.len(), labeled);
}

#[test]
fn peers_beyond_the_room_of_a_ring_are_one_box() {
    let svg = |replicas: u32| {
        let spec = format!("{{shape: PeerToPeer, peerToPeer: {{replicas: {replicas}}}}}");
        super::svg(&Picture::of_model(&model(&spec), "shop", "PeerToPeer"))
    };
    assert_eq!(svg(5).matches("class=\"number\"").count(), 5);
    assert_eq!(svg(50).matches("class=\"number\"").count(), 0);
    assert!(svg(50).contains("50 peers"));
}

#[test]
fn titles_are_escaped() {
    let empty = Model::default();
    let svg = super::svg(&Picture::of_model(&empty, "<script>", "a & b"));
    assert!(
        svg.contains("&lt;script&gt;") && svg.contains("a &amp; b") && !svg.contains("<script")
    );
}

#[test]
fn labels_carry_the_signs_of_changes() {
    let picture = Picture::of_change(
        &model("shape: ThreeTier"),
        &model("shape: NTier"),
        "shop",
        "ThreeTier → NTier",
    );
    let goes = picture.arrows.iter().filter(|arrow| arrow.change == Change::Goes).count();
    let drawing = Drawing::new(&picture);
    let signs =
        drawing.labels.iter().filter(|EdgeLabel { text, .. }| text.starts_with('−')).count();
    assert_eq!(signs, goes);
    assert!(picture.arrows.iter().all(|arrow| arrow.kind != EdgeKind::Peers));
}
