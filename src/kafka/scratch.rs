//! The directory a state topic is read into: in the folder for temporary files, its owner's alone, locked as long
//! as it is used, and gone with this. A run that was killed leaves its own, with uids in it: the next one
//! removes what nobody holds any more.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::error::Error;

/// What their names begin with.
const PREFIX: &str = "headcount-state-";
/// One not as old may have been made and not been locked yet.
const LEFT_AFTER: Duration = Duration::from_secs(60);

/// The directory. See the module's header.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// An empty one.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> Result<Scratch, Error> {
        let place = std::env::temp_dir();
        remove_left(&place);
        let failed = |source| Error::output(&place.display().to_string(), source);
        let own = Permissions::from_mode(0o700);
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix(PREFIX).permissions(own).tempdir_in(&place).map_err(failed)?;
        let lock = File::open(folder.path()).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Scratch { folder, _lock: lock })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what runs have left that were killed; what cannot be removed stays.
fn remove_left(place: &Path) {
    let Ok(found) = fs::read_dir(place) else { return };
    for one in found.flatten() {
        let is_own = one.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let modified = one.metadata().and_then(|about| about.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        if !is_own || age.is_none_or(|age| age < LEFT_AFTER) {
            continue;
        }
        if let Ok(lock) = File::open(one.path())
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(one.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(folder: &Path) {
        let old = std::time::SystemTime::now() - 2 * LEFT_AFTER;
        File::open(folder).unwrap().set_modified(old).unwrap();
    }

    #[test]
    fn it_is_its_owners_alone() {
        let scratch = Scratch::new().unwrap();
        let mode = fs::metadata(scratch.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_was_left_is_removed_and_what_is_held_is_not() {
        let place = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = place.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("segment"), "uids").unwrap();
            path
        };
        let (left, held) = (make("headcount-state-a"), make("headcount-state-b"));
        let (fresh, other) = (make("headcount-state-c"), make("another"));
        let lock = File::open(&held).unwrap();
        lock.lock().unwrap();
        [&left, &held, &other].into_iter().for_each(|path| age(path));
        remove_left(place.path());
        assert!(!left.exists());
        assert!(held.exists() && fresh.exists() && other.exists());
        drop(lock);
        remove_left(place.path());
        assert!(!held.exists());
    }
}
