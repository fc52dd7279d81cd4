//! Nothing of its own: the targets are tests.
