use super::{Attending, FeedForward, LayerNorm, Marks, MultiHead, Normed, Tokens};
use crate::{autograd::Tape, error::Result, params::Builder};

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

    /// The norm with which the layer begins.
    pub(crate) fn norm(&self) -> &LayerNorm {
        &self.norm1
    }

    /// `[B, T, C]` to the same shape, from this layer's norm to the one that is `next`. `watch` is shown each attention.
    pub(crate) fn forward(
        &self,
        t: &Tape,
        tokens: Normed,
        marks: &Marks,
        memory: Option<Tokens>,
        next: &LayerNorm,
        watch: Watch,
    ) -> Result<Normed> {
        let across = self.across.as_ref().zip(memory);
        let asking = Tokens { x: &tokens.normed, marks };
        watch(&self.attention, asking, asking)?;
        let then = across.map_or(&self.norm2, |((norm, _), _)| norm);
        let mut tokens = self.attention.onto(t, [asking, asking], &tokens.x, self.dropout, then)?;
        if let Some(((_, attention), memory)) = across {
            let asking = Tokens { x: &tokens.normed, marks };
            watch(attention, asking, memory)?;
            tokens = attention.onto(t, [asking, memory], &tokens.x, self.dropout, &self.norm2)?;
        }
        self.feed_forward.onto(t, &tokens, next)
    }
}
