//! What the fuzz targets check; the targets themselves only pass bytes on.

pub mod checks;
