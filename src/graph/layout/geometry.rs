//! Points and rectangles, in pixels of an SVG. y grows downwards.

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::graph) struct Point {
    pub(in crate::graph) x: f64,
    pub(in crate::graph) y: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::graph) struct Extent {
    pub(in crate::graph) width: f64,
    pub(in crate::graph) height: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::graph) struct Rect {
    /// The upper left corner.
    pub(in crate::graph) corner: Point,
    pub(in crate::graph) size: Extent,
}

impl Rect {
    pub(in crate::graph) fn centered_at(center: Point, size: Extent) -> Self {
        let corner = Point { x: center.x - size.width / 2.0, y: center.y - size.height / 2.0 };
        Self { corner, size }
    }

    pub(in crate::graph) fn center(&self) -> Point {
        Point {
            x: self.corner.x + self.size.width / 2.0,
            y: self.corner.y + self.size.height / 2.0,
        }
    }

    pub(in crate::graph) fn right(&self) -> f64 {
        self.corner.x + self.size.width
    }

    pub(in crate::graph) fn bottom(&self) -> f64 {
        self.corner.y + self.size.height
    }

    /// Whether the two intersect. Rectangles that share only an edge do not.
    pub(in crate::graph) fn overlaps(&self, other: &Self) -> bool {
        self.corner.x < other.right()
            && other.corner.x < self.right()
            && self.corner.y < other.bottom()
            && other.corner.y < self.bottom()
    }

    #[cfg(test)]
    pub(in crate::graph) fn contains(&self, point: Point) -> bool {
        self.overlaps(&Self { corner: point, size: Extent::default() })
    }
}
