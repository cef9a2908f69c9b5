//! Pictures in SVG, as one file without references to others.
//!
//! No text covers another. Roles and changes differ in shape, line and sign, not only in color.

mod arrows;
mod label;
mod legend;
mod peer_ring;
mod style;
mod text;
mod vertices;

use super::{
    compare::Change,
    layout::{Extent, Layout, LayoutInput, Point, lay_out},
    picture::Picture,
};
use maquette_contract::Role;
use text::{escape_xml, format_number};

/// The space around everything.
const MARGIN: f64 = 28.0;
const TITLE_SIZE: f64 = 18.0;
const SUBTITLE_SIZE: f64 = 12.5;
/// The space above the graph, for title and subtitle.
const HEADER_HEIGHT: f64 = 84.0;
/// The space below the graph, for the legend.
const FOOTER_HEIGHT: f64 = 74.0;
/// More stores than this do not share the last row: each stands right below its callers.
const MAX_STORES_IN_LAST_ROW: usize = 8;

/// Lays out and draws `picture` as an SVG document.
pub fn svg(picture: &Picture) -> String {
    Drawing::new(picture).to_svg()
}

/// A picture and the place of everything in it.
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
        let title_width = text::text_width(&picture.title, TITLE_SIZE, true);
        let subtitle_width = text::text_width(&picture.subtitle, SUBTITLE_SIZE, false);
        let width = layout.size.width.max(legend.width).max(title_width).max(subtitle_width);
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
        let x = format_number(self.size.width / 2.0);
        [("title", 34, &self.picture.title), ("subtitle", 55, &self.picture.subtitle)].map(
            |(class, y, text)| {
                format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape_xml(text))
            },
        )
    }

    /// The picture in words, for screen readers.
    fn text_description(&self) -> String {
        let vertices = &self.picture.vertices;
        let components: Vec<_> = vertices
            .iter()
            .map(|vertex| self.signed_text(vertex.change, vertex.name.to_string()))
            .collect();
        let edges: Vec<_> = self
            .picture
            .arrows
            .iter()
            .filter_map(|arrow| {
                let (from, to) = (vertices.get(arrow.from)?, vertices.get(arrow.to)?);
                Some(self.signed_text(arrow.change, format!("{} to {}", from.name, to.name)))
            })
            .collect();
        format!(
            "{}. Components: {}. Edges: {}.",
            self.picture.subtitle,
            components.join(", "),
            edges.join(", ")
        )
    }

    fn signed_text(&self, change: Change, text: String) -> String {
        match self.picture.is_comparison {
            true => format!("{} {text}", style::change_sign(change)).trim_start().to_owned(),
            false => text,
        }
    }
}

fn lay_out_picture(picture: &Picture) -> Layout {
    let sizes: Vec<_> = picture.vertices.iter().map(vertices::size).collect();
    let edges: Vec<_> = picture.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let (top, stores) = (vertices_of(picture, Role::Load), vertices_of(picture, Role::Store));
    let bottom = if stores.len() <= MAX_STORES_IN_LAST_ROW { stores } else { vec![] };
    lay_out(&LayoutInput { sizes: &sizes, edges: &edges, top: &top, bottom: &bottom })
}

/// The indices of the vertices of this role.
fn vertices_of(picture: &Picture, role: Role) -> Vec<usize> {
    let vertices = picture.vertices.iter().enumerate();
    vertices.filter(|(_, vertex)| vertex.role == role).map(|(index, _)| index).collect()
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
