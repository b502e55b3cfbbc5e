use super::{Attending, FeedForward, LayerNorm, MultiHead, Tokens};
use crate::{
    autograd::{Tape, Var},
    error::Result,
    params::Builder,
};

/// What is shown each attention of a forward pass: who asks, and who is asked.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(&MultiHead, Tokens, Tokens) -> Result<()>;

/// A pre-norm encoder layer: `x + attention(norm(x))`, then `x + feed_forward(norm(x))` (Xiong et al. 2020,
/// <https://arxiv.org/abs/2002.04745>), with PyTorch's places for dropout. Between them, where there is a memory to look
/// through, `x + attention(norm(x), memory)`.
#[derive(Clone, Debug)]
pub struct EncoderLayer {
    norm1: LayerNorm,
    attention: MultiHead,
    across: Option<(LayerNorm, MultiHead)>,
    norm2: LayerNorm,
    feed_forward: FeedForward,
    dropout: f32,
}

impl EncoderLayer {
    /// Registers `name.{norm1,attention,norm2,up,down}`; with a memory to look through also `name.{norm_across,across}`.
    pub fn new(p: &mut Builder, name: &str, how: Attending, hidden: usize, memory: bool) -> Self {
        let (width, dropout) = (how.width, how.dropout);
        p.scope(name, |p| Self {
            norm1: LayerNorm::new(p, "norm1", width),
            attention: MultiHead::new(p, "attention", how),
            across: memory
                .then(|| (LayerNorm::new(p, "norm_across", width), MultiHead::new(p, "across", how))),
            norm2: LayerNorm::new(p, "norm2", width),
            feed_forward: FeedForward::new(p, width, hidden, dropout),
            dropout,
        })
    }

    /// `[B, T, C]` to the same shape. `watch` is shown each attention.
    pub(crate) fn forward(
        &self,
        t: &Tape,
        Tokens { x, marks }: Tokens,
        memory: Option<Tokens>,
        watch: Watch,
    ) -> Result<Var> {
        let normed = self.norm1.forward(t, x)?;
        let asking = Tokens { x: &normed, marks };
        watch(&self.attention, asking, asking)?;
        let mut x = self.attention.onto(t, asking, asking, x, self.dropout)?;
        if let (Some((norm, attention)), Some(memory)) = (&self.across, memory) {
            let normed = norm.forward(t, &x)?;
            let asking = Tokens { x: &normed, marks };
            watch(attention, asking, memory)?;
            x = attention.onto(t, asking, memory, &x, self.dropout)?;
        }
        self.feed_forward.onto(t, &self.norm2.forward(t, &x)?, &x)
    }
}
