"""Files that are not opened, because opening them may run code: lm-polygraph's managers, and what torch.save writes."""

from pathlib import Path

from interp.errors import DataError

ENDINGS = (".man", ".pt", ".pth", ".pkl", ".pickle")


def refuse_pickled(path: Path) -> None:
    """Raise DataError, which says how to save the answers otherwise, for a file whose name is that of such a file."""
    if path.suffix.lower() in ENDINGS or path.name.startswith("ue_manager"):
        raise DataError(
            f"{path}: what Python pickled can run code when it is opened, so that interp reads none (lm-polygraph's "
            "managers, and what torch.save writes); open it where it was made and save JSON lines: m = "
            "UEManager.load(path); for p, c, a in zip(m.stats['input_texts'], m.stats['greedy_texts'], "
            "m.stats['target_texts']): print(json.dumps({'question': p, 'prompt': p, 'completion': c, 'answer': a}))"
        )
