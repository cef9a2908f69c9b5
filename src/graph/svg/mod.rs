//! SVG: one file that needs nothing else. Whatever is text keeps clear of all other text; roles and
//! changes are told by shape, line and sign as well as by colour.

mod arrows;
mod label;
mod legend;
mod peer_ring;
mod style;
mod text;
mod vertices;

use super::{
    layout::{Extent, Layout, LayoutInput, Point, lay_out},
    picture::{Arrow, Picture, Vertex},
};
use maquette_contract::Role;
use text::{escape_xml, format_number};

/// Around everything.
const MARGIN: f64 = 28.0;
const TITLE_SIZE: f64 = 18.0;
const SUBTITLE_SIZE: f64 = 12.5;
/// From the upper edge to the graph.
const HEADER_HEIGHT: f64 = 84.0;
/// From the graph to the lower edge.
const FOOTER_HEIGHT: f64 = 74.0;
/// With more stores than that, each stands right below who asks it rather than all in one row.
const MAX_STORES_IN_LAST_ROW: usize = 8;

/// `picture` as SVG.
pub fn svg(picture: &Picture) -> String {
    Drawing::new(picture).to_svg()
}

/// A picture with the place of everything in it.
struct Drawing<'a> {
    picture: &'a Picture,
    layout: Layout,
    labels: Vec<label::EdgeLabel>,
    legend: legend::Legend,
    size: Extent,
}

impl<'a> Drawing<'a> {
    fn new(picture: &'a Picture) -> Self {
        let mut layout = lay_out_picture(picture);
        let legend = legend::Legend::for_picture(picture);
        let head = text::text_width(&picture.title, TITLE_SIZE, true).max(text::text_width(
            &picture.subtitle,
            SUBTITLE_SIZE,
            false,
        ));
        let width = layout.size.width.max(legend.width).max(head);
        let left = MARGIN + (width - layout.size.width) / 2.0;
        move_by(&mut layout, Point { x: left, y: HEADER_HEIGHT });
        let labels = label::place_labels(picture, &layout, width + 2.0 * MARGIN);
        let size = Extent {
            width: width + 2.0 * MARGIN,
            height: HEADER_HEIGHT + layout.size.height + FOOTER_HEIGHT,
        };
        Self { picture, layout, labels, legend, size }
    }

    fn to_svg(&self) -> String {
        let Extent { width, height } = self.size;
        let (width, height) = (format_number(width), format_number(height));
        let mut lines = vec![
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
                 viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title desc\" \
                 font-family=\"{}\">",
                style::FONT_FAMILY
            ),
            format!("<title id=\"title\">{}</title>", escape_xml(&self.picture.title)),
            format!("<desc id=\"desc\">{}</desc>", escape_xml(&self.text_description())),
            format!("<style>\n{}</style>", style::STYLE_SHEET),
            style::arrow_markers(self.picture),
            format!("<rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"12\"/>"),
        ];
        lines.extend(self.header_lines());
        lines.extend(arrows::draw(self.picture, &self.layout));
        let vertices = self.picture.vertices.iter().zip(&self.layout.places);
        lines.extend(vertices.map(|(vertex, place)| vertices::draw(vertex, place, self.picture)));
        lines.extend(self.labels.iter().map(label::EdgeLabel::draw));
        lines.push(self.legend.draw(self.size));
        lines.push("</svg>".to_owned());
        lines.join("\n") + "\n"
    }

    fn header_lines(&self) -> [String; 2] {
        let text = |class: &str, y: f64, text: &str| {
            let (x, y) = (format_number(self.size.width / 2.0), format_number(y));
            format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape_xml(text))
        };
        [text("title", 34.0, &self.picture.title), text("subtitle", 55.0, &self.picture.subtitle)]
    }

    /// What is seen, for those who do not see it.
    fn text_description(&self) -> String {
        let vertices = &self.picture.vertices;
        let name = |at: usize| vertices.get(at).map(|v| v.name.to_string()).unwrap_or_default();
        let signed = |sign: &str, text: String| match self.picture.is_comparison {
            true => format!("{sign} {text}").trim_start().to_owned(),
            false => text,
        };
        let component =
            |vertex: &Vertex| signed(style::change_sign(vertex.change), vertex.name.to_string());
        let edge = |arrow: &Arrow| {
            let (from, to) = (name(arrow.from), name(arrow.to));
            signed(style::change_sign(arrow.change), format!("{from} to {to}"))
        };
        let components: Vec<_> = vertices.iter().map(component).collect();
        let edges: Vec<_> = self.picture.arrows.iter().map(edge).collect();
        format!(
            "{}. Components: {}. Edges: {}.",
            self.picture.subtitle,
            components.join(", "),
            edges.join(", ")
        )
    }
}

fn lay_out_picture(picture: &Picture) -> Layout {
    let sizes: Vec<_> = picture.vertices.iter().map(vertices::size).collect();
    let edges: Vec<_> = picture.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let of = |role: Role| -> Vec<usize> {
        let vertices = picture.vertices.iter().enumerate();
        vertices.filter(|(_, vertex)| vertex.role == role).map(|(at, _)| at).collect()
    };
    let (top, stores) = (of(Role::Load), of(Role::Store));
    let bottom = if stores.len() <= MAX_STORES_IN_LAST_ROW { stores } else { vec![] };
    lay_out(&LayoutInput { sizes: &sizes, edges: &edges, top: &top, bottom: &bottom })
}

fn move_by(layout: &mut Layout, by: Point) {
    let corners = layout.places.iter_mut().map(|place| &mut place.corner);
    for point in corners.chain(layout.paths.iter_mut().flatten()) {
        point.x += by.x;
        point.y += by.y;
    }
}

#[cfg(test)]
mod tests;
