//! Which file a path leads to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Is a file that is claimed: where it stands, and which one it is if it is there.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    place: Place,
    /// What stood there when it was looked at.
    nodes: Vec<Node>,
}

/// Is a file, whatever its names: hard links to it are one node.
#[cfg(unix)]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    device: u64,
    inode: u64,
}

/// Is a file by the one path that the system gives it.
#[cfg(not(unix))]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node(PathBuf);

/// Is where a file stands or will stand.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In a folder that is there.
    In { folder: Node, name: OsString },
    /// In one that isn't.
    Nowhere(PathBuf),
}

/// How many links to links are followed, as Linux does.
const MOST_LINKS: usize = 40;

impl File {
    /// Looks at an absolute path.
    pub(super) fn new(path: PathBuf) -> Self {
        let place = Place::of(&path);
        let nodes = Node::of(&path).into_iter().collect();
        Self { path, place, nodes }
    }

    /// Looks again, and remembers what stood there before beside what stands there now: a file that was moved away is as
    /// open as it was.
    pub(super) fn settle(&mut self) {
        if let Some(node) = Node::of(&self.path)
            && !self.nodes.contains(&node)
        {
            self.nodes.push(node);
        }
    }

    /// Forgets which file it is, and goes by its place: for what comes and goes beside a database, whose node may be another
    /// file's by the time it matters.
    pub(super) fn forget_node(&mut self) {
        self.nodes.clear();
    }

    /// Returns whether this file, which was looked at before, is one that was looked at just now.
    pub(super) fn is(&self, now: &Self) -> bool {
        self.place == now.place
            || now.nodes.iter().any(|node| self.nodes.contains(node))
            || now.nodes.iter().any(|node| Node::of(&self.path).as_ref() == Some(node))
    }
}

impl Node {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let found = std::fs::metadata(path).ok()?;
        Some(Self { device: found.dev(), inode: found.ino() })
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        path.canonicalize().ok().map(Self)
    }
}

impl Place {
    fn of(path: &Path) -> Self {
        let path = end_of(path);
        match (path.parent().and_then(Node::of), path.file_name()) {
            (Some(folder), Some(name)) => Self::In { folder, name: name.to_owned() },
            _ => Self::Nowhere(path),
        }
    }
}

/// Returns the path at the end of all links, which need not be there: a link to nothing is where a file would be made.
fn end_of(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match (std::fs::read_link(&path), path.parent()) {
            (Ok(target), Some(folder)) => path = folder.join(target),
            _ => break,
        }
    }
    path
}
