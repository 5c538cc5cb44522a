"""What a question's own words tell before any layer: the mean input embedding of its tokens (definitions: controls)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interp.labelling.answers import Answers
from interp.models.embedding import token_embeddings
from interp.models.loading import HookedModel, model_info


def question_embeddings(model: HookedModel, answers: Answers, samples: Sequence[int]) -> Float[Tensor, "sample width"]:
    """Mean input embedding of each sample's own question (`Answers.question_tokens`), float32 on the CPU.

    NaN where the question was not located in the prompt, and everywhere if the model's embedding cannot be looked up.
    A sample's vector does not depend on which samples it is asked with.
    """
    spans = [answers.question_tokens[i] for i in samples]
    questions = [
        [] if span is None else answers.prompt_ids[i][span[0] : span[1] + 1]
        for i, span in zip(samples, spans, strict=True)
    ]
    vectors = token_embeddings(model, [token for question in questions for token in question])
    if vectors is None:
        return torch.full((len(questions), model_info(model).d_model), torch.nan)
    parts = vectors.split([len(question) for question in questions])
    return torch.stack([part.mean(0) if len(part) else part.new_full(part.shape[1:], torch.nan) for part in parts])
