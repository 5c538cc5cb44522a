"""No model brings code of its own: what every `from_pretrained` of transformers is told."""

from typing import Any

NO_CODE: dict[str, Any] = {"trust_remote_code": False}
"""Where a model brings code, transformers would otherwise ask on the terminal, and wait.

Whoever has read such code loads the model with transformers, and gives the object to `interp.load_model`.
"""
