//! stub
use crate::Algorithm;
#[derive(Clone)]
pub(crate) struct Material(Algorithm);
impl Material {
    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.0
    }
    pub(crate) const fn can_sign(&self) -> bool {
        todo!()
    }
    pub(crate) fn public(&self) -> Option<Self> {
        todo!()
    }
}
