"""Hashes of a model and its tokenizer: what counts changes them, what a call leaves behind does not."""

import hashlib

import torch
from byte_tokenizer import save_byte_tokenizer
from transformers import AutoTokenizer

from interp.support.fingerprint import file_hash, tokenizer_hash, weights_hash


def test_a_tokenizer_is_the_same_after_it_was_used(tmp_path):
    save_byte_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    before = tokenizer_hash(tokenizer)
    tokenizer(["a", "a longer text"], padding=True, truncation=True, max_length=4)
    assert tokenizer_hash(tokenizer) == before
    tokenizer.add_tokens(["<new>"])
    assert tokenizer_hash(tokenizer) != before


def test_one_weight_changes_the_hash():
    model = torch.nn.Linear(3, 2).bfloat16()
    before = weights_hash(model)
    assert weights_hash(model) == before
    with torch.no_grad():
        model.weight[1, 2] += 1
    assert weights_hash(model) != before


def test_a_files_hash_is_that_of_its_bytes_whatever_the_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("interp.support.fingerprint._BLOCK", 7)
    for n in (0, 6, 7, 8, 700):
        content = bytes(range(256)) * 3
        (tmp_path / "file").write_bytes(content[:n])
        assert file_hash(tmp_path / "file") == hashlib.sha256(content[:n]).hexdigest()
