//! Points and rectangles.

/// A point; y grows downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::graph) struct Point {
    pub(in crate::graph) x: f64,
    pub(in crate::graph) y: f64,
}

/// How large something is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::graph) struct Extent {
    pub(in crate::graph) width: f64,
    pub(in crate::graph) height: f64,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::graph) struct Rect {
    /// Left, upper.
    pub(in crate::graph) corner: Point,
    pub(in crate::graph) size: Extent,
}

impl Rect {
    /// The rectangle of this size around `center`.
    pub(in crate::graph) fn centered_at(center: Point, size: Extent) -> Self {
        let corner = Point { x: center.x - size.width / 2.0, y: center.y - size.height / 2.0 };
        Self { corner, size }
    }

    /// Its middle.
    pub(in crate::graph) fn center(&self) -> Point {
        Point {
            x: self.corner.x + self.size.width / 2.0,
            y: self.corner.y + self.size.height / 2.0,
        }
    }

    /// Its lower edge.
    pub(in crate::graph) fn bottom(&self) -> f64 {
        self.corner.y + self.size.height
    }

    /// Whether it has a point in common with `other`.
    pub(in crate::graph) fn overlaps(&self, other: &Self) -> bool {
        let apart = |a: f64, a_size: f64, b: f64, b_size: f64| a + a_size <= b || b + b_size <= a;
        !apart(self.corner.x, self.size.width, other.corner.x, other.size.width)
            && !apart(self.corner.y, self.size.height, other.corner.y, other.size.height)
    }

    /// Whether `point` is inside.
    #[cfg(test)]
    pub(in crate::graph) fn contains(&self, point: Point) -> bool {
        self.overlaps(&Self { corner: point, size: Extent::default() })
    }
}
